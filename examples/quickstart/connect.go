package main

import (
	"os"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// connect returns the account that the environment names, or a service that
// runs in this process for as long as the program does.
func connect() (service *azureblob.ServiceClient, where string, stop func(), err error) {
	where, stop = "from AZURE_STORAGE_CONNECTION_STRING", func() {}
	connection := os.Getenv("AZURE_STORAGE_CONNECTION_STRING")
	if connection == "" {
		local := blobtest.NewServer(nil)
		where, stop, connection = "in this process, for as long as it runs", local.Close, local.ConnectionString()
	}
	service, err = azureblob.NewServiceClientFromConnectionString(connection, nil)
	if err != nil {
		stop()
		return nil, "", nil, err
	}
	return service, where, stop, nil
}
