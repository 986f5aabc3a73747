// Package connect gives the examples an account to work on: the one that
// AZURE_STORAGE_CONNECTION_STRING names, or a service in this process that is
// gone when the example ends.
package connect

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// Variable is the environment variable that holds the connection string of a
// storage account, as the portal shows it.
const Variable = "AZURE_STORAGE_CONNECTION_STRING"

// Example is what an example does: it works on an account, is given the
// arguments of the command line, and prints to out.
type Example func(ctx context.Context, account *Account, args []string, out io.Writer) error

// Main is the main function of an example. The options are those of the service
// in this process. Ctrl-C ends the context.
func Main(local *blobtest.Options, example Example) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	name := filepath.Base(os.Args[0])
	err := run(ctx, name, local, example, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, local *blobtest.Options, example Example, args []string) error {
	account := &Account{ConnectionString: os.Getenv(Variable), Token: os.Getenv("AZURE_STORAGE_TOKEN")}
	if account.ConnectionString == "" {
		fmt.Fprintf(os.Stderr, "%s: works on a service in this process, since %s is not set\n", name, Variable)
		server := blobtest.NewServer(local)
		defer server.Close()
		account = Local(server)
	}
	return example(ctx, account, args, os.Stdout)
}

// Account is a storage account.
type Account struct {
	ConnectionString string
	Options          *azureblob.ClientOptions // what clients of it need; nil but for a service in this process with https
	Token            string                   // of Azure AD, if AZURE_STORAGE_TOKEN has one; the service in this process takes any
	Local            bool                     // it is a service in this process
}

// Local is the account of a service in this process.
func Local(server *blobtest.Server) *Account {
	a := &Account{ConnectionString: server.ConnectionString(), Token: "any", Local: true}
	if strings.HasPrefix(server.URL(), "https:") {
		a.Options = &azureblob.ClientOptions{Transport: server.Client()}
	}
	return a
}

// Field returns a value of the connection string, such as AccountKey.
func (a *Account) Field(name string) string {
	for field := range strings.SplitSeq(a.ConnectionString, ";") {
		if key, value, _ := strings.Cut(field, "="); strings.EqualFold(strings.TrimSpace(key), name) {
			return value
		}
	}
	return ""
}

// WithService makes an example of a function that needs a client of the account.
func WithService(run func(ctx context.Context, service *azureblob.ServiceClient, args []string, out io.Writer) error) Example {
	return func(ctx context.Context, account *Account, args []string, out io.Writer) error {
		service, err := azureblob.NewServiceClientFromConnectionString(account.ConnectionString, account.Options)
		if err != nil {
			return err
		}
		defer service.CloseIdleConnections()
		return run(ctx, service, args, out)
	}
}

// WithContainer makes an example of a function that needs a container, which is
// empty, and is deleted in the end.
func WithContainer(run func(ctx context.Context, container *azureblob.ContainerClient, args []string, out io.Writer) error) Example {
	return WithService(func(ctx context.Context, service *azureblob.ServiceClient, args []string, out io.Writer) error {
		container, remove, err := Container(ctx, service, "example")
		if err != nil {
			return err
		}
		return errors.Join(run(ctx, container, args, out), remove())
	})
}

// Container makes a container whose name begins with a prefix. The function that
// comes with it deletes it again, also after the end of the context.
func Container(ctx context.Context, service *azureblob.ServiceClient, prefix string) (*azureblob.ContainerClient, func() error, error) {
	container := service.Container(prefix + "-" + strings.ToLower(rand.Text()[:8]))
	if _, err := container.Create(ctx, nil); err != nil {
		return nil, nil, err
	}
	return container, func() error {
		_, err := container.Delete(context.WithoutCancel(ctx), nil)
		return err
	}, nil
}
