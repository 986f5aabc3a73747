package blobtest

import (
	"net/http"
	"time"

	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.GetServiceStats, endpoint{run: serviceStats, needs: access{permissions: "r", resource: 's'}})
}

type serviceStatsAnswer struct {
	Replication geoReplication `xml:"GeoReplication"`
}

type geoReplication struct {
	Status       string    `xml:"Status"`
	LastSyncTime time.Time `xml:"LastSyncTime"`
}

// serviceStats is answered by the secondary, which alone knows.
func serviceStats(x *exchange) error {
	if !x.secondary {
		return invalidQuery("comp", "stats")
	}
	synced := x.now.Add(-x.server.options.SecondaryLag)
	return x.answerXML(http.StatusOK, nil, "StorageServiceStats", serviceStatsAnswer{geoReplication{"live", synced}})
}
