package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/azurite"
)

// connect returns the account that the environment names, or a service that
// runs on this machine for as long as the program does.
func connect(ctx context.Context, out io.Writer) (service *azureblob.ServiceClient, where string, stop func(), err error) {
	stop = func() {}
	where = "from AZURE_STORAGE_CONNECTION_STRING"
	connection := os.Getenv("AZURE_STORAGE_CONNECTION_STRING")
	if connection == "" {
		if !azurite.Installed() {
			fmt.Fprintln(out, "Installing the Azurite emulator, once ...")
			if err := azurite.Install(ctx); err != nil {
				return nil, "", nil, err
			}
		}
		local, err := azurite.Start(azurite.Options{})
		if err != nil {
			return nil, "", nil, err
		}
		where, stop, connection = "an emulator on this machine", func() { _ = local.Close() }, local.ConnectionString()
	}
	service, err = azureblob.NewServiceClientFromConnectionString(connection, nil)
	if err != nil {
		stop()
		return nil, "", nil, err
	}
	return service, where, stop, nil
}
