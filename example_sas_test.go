package azureblob_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net/url"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/sas"
)

// Let somebody download a blob under another name for an hour.
func ExampleBlobClient_SASURL() {
	server := blobtest.NewServer(nil) // in the place of an account
	defer server.Close()
	ctx, options := context.Background(), &azureblob.ClientOptions{Transport: server.Transport()}
	report := newExampleContainer(ctx, server, "reports").Blob("2026/r-0042.pdf")
	if _, err := report.Upload(ctx, strings.NewReader("all is well"), nil); err != nil {
		log.Fatal(err)
	}

	link, err := report.SASURL(sas.Blob{
		Permissions: sas.BlobPermissions{Read: true},
		Expiry:      time.Now().Add(time.Hour),
		Protocol:    sas.HTTPS,
		Headers:     sas.ResponseHeaders{ContentDisposition: `attachment; filename="January.pdf"`},
	})
	if err != nil {
		log.Fatal(err)
	}

	// Whoever has the link needs nothing else: a browser, curl, or a client.
	anyone, err := azureblob.NewBlobClient(link, nil, options)
	if err != nil {
		log.Fatal(err)
	}
	content, err := anyone.ReadAll(ctx, nil)
	fmt.Println(string(content), err)
	properties, err := anyone.Properties(ctx, nil)
	fmt.Println(properties.ContentDisposition, err)
	_, err = anyone.Delete(ctx, nil)
	fmt.Println("may not delete:", errors.Is(err, fs.ErrPermission))
	// Output:
	// all is well <nil>
	// attachment; filename="January.pdf" <nil>
	// may not delete: true
}

// Let a device put files into a container, but not read or overwrite any. The
// rights are in a stored policy, so that they can be taken back.
func ExampleContainerClient_SASURL() {
	server := blobtest.NewServer(nil) // in the place of an account
	defer server.Close()
	ctx, options := context.Background(), &azureblob.ClientOptions{Transport: server.Transport()}
	inbox := newExampleContainer(ctx, server, "inbox")
	policy := azureblob.AccessPolicy{Identifiers: []azureblob.SignedIdentifier{{
		ID: "devices", Expiry: time.Now().AddDate(0, 0, 30), Permissions: sas.ContainerPermissions{Create: true}.String(),
	}}}
	if _, err := inbox.SetAccessPolicy(ctx, policy, nil); err != nil {
		log.Fatal(err)
	}

	link, err := inbox.SASURL(sas.Container{Policy: "devices"})
	if err != nil {
		log.Fatal(err)
	}

	device, err := azureblob.NewContainerClient(link, nil, options)
	if err != nil {
		log.Fatal(err)
	}
	_, err = device.Blob("reading.json").Upload(ctx, strings.NewReader("{}"), nil)
	fmt.Println(err)
	if _, err := inbox.SetAccessPolicy(ctx, azureblob.AccessPolicy{}, nil); err != nil {
		log.Fatal(err)
	}
	_, err = device.Blob("another.json").Upload(ctx, strings.NewReader("{}"), nil)
	fmt.Println("without the policy:", errors.Is(err, fs.ErrPermission))
	// Output:
	// <nil>
	// without the policy: true
}

// Let somebody read all that is in one directory of a container.
func ExampleContainerClient_DirectorySASURL() {
	server := blobtest.NewServer(&blobtest.Options{HierarchicalNamespace: true}) // in the place of an account
	defer server.Close()
	ctx, options := context.Background(), &azureblob.ClientOptions{Transport: server.Transport()}
	photos := newExampleContainer(ctx, server, "photos")
	if _, err := photos.Blob("2026/may/cat.jpg").Upload(ctx, strings.NewReader("meow"), nil); err != nil {
		log.Fatal(err)
	}

	link, err := photos.DirectorySASURL("2026/may", sas.Directory{
		Permissions: sas.DirectoryPermissions{Read: true},
		Expiry:      time.Now().Add(time.Hour),
	})
	if err != nil {
		log.Fatal(err)
	}

	u, err := url.Parse(link)
	if err != nil {
		log.Fatal(err)
	}
	cat, err := azureblob.NewBlobClient(u.JoinPath("cat.jpg").String(), nil, options)
	if err != nil {
		log.Fatal(err)
	}
	content, err := cat.ReadAll(ctx, nil)
	fmt.Println(string(content), err)
	// Output:
	// meow <nil>
}

// Let a program list all containers, and nothing else.
func ExampleServiceClient_SASURL() {
	server := blobtest.NewServer(nil) // in the place of an account
	defer server.Close()
	ctx, options := context.Background(), &azureblob.ClientOptions{Transport: server.Transport()}
	newExampleContainer(ctx, server, "photos")

	link, err := server.ServiceClient().SASURL(sas.Account{
		Permissions: sas.AccountPermissions{List: true},
		Resources:   sas.ResourceTypes{Service: true},
		Expiry:      time.Now().Add(time.Hour),
	})
	if err != nil {
		log.Fatal(err)
	}

	service, err := azureblob.NewServiceClient(link, nil, options)
	if err != nil {
		log.Fatal(err)
	}
	for item, err := range service.Containers(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(item.Name)
	}
	// Output:
	// photos
}

// newExampleContainer makes a container in the account of a server.
func newExampleContainer(ctx context.Context, server *blobtest.Server, name string) *azureblob.ContainerClient {
	c := server.ServiceClient().Container(name)
	if _, err := c.Create(ctx, nil); err != nil {
		log.Fatal(err)
	}
	return c
}
