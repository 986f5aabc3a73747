package azureblob_test

import (
	"context"
	"fmt"
	"log"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// Keep deleted blobs for a week. All other settings of the account stay as they are.
func ExampleServiceClient_SetProperties() {
	server := blobtest.NewServer(nil) // in the place of an account
	defer server.Close()
	ctx, service := context.Background(), server.ServiceClient()

	_, err := service.SetProperties(ctx, azureblob.ServiceProperties{
		DeleteRetention: &azureblob.RetentionPolicy{Enabled: true, Days: 7},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}

	settings, err := service.Properties(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("deleted blobs are kept for", settings.DeleteRetention.Days, "days")
	fmt.Println("website:", settings.StaticWebsite.Enabled)
	// Output:
	// deleted blobs are kept for 7 days
	// website: false
}

// See how far the secondary region is behind.
func ExampleServiceClient_Stats() {
	server := blobtest.NewServer(nil)
	defer server.Close()

	stats, err := server.ServiceClient().Stats(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stats.Status, stats.LastSyncTime.IsZero())
	// Output:
	// live false
}
