package sas_test

import (
	"fmt"
	"log"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/sas"
)

// Sign without a client, for a request that something else is to make.
func ExampleBlob_Sign() {
	key, err := azureblob.NewSharedKeyCredential("account", "YSBrZXkgb2YgZXhhbXBsZXM=")
	if err != nil {
		log.Fatal(err)
	}
	query, err := sas.Blob{
		Key:         key,
		Permissions: sas.BlobPermissions{Read: true, Tags: true},
		Expiry:      time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
		Protocol:    sas.HTTPS,
	}.Sign("photos", "2026/cat.jpg")
	if err != nil {
		log.Fatal(err)
	}
	u := "https://account.blob.core.windows.net/photos/2026/cat.jpg?" + query

	token, err := sas.Parse(u)
	fmt.Println(token, err)
	// Output:
	// https://account.blob.core.windows.net/photos/2026/cat.jpg?sv=2026-06-06&sr=b&sp=rt&se=2030-01-02T03%3A04%3A05Z&spr=https&sig=REDACTED <nil>
}

// Find out what somebody was given, without showing the signature.
func ExampleParse() {
	token, err := sas.Parse("https://account.blob.core.windows.net/photos?sv=2026-06-06&sr=c&sp=rl&se=2030-01-02T03%3A04%3A05Z&sip=10.0.0.1-10.0.0.9&sig=c2VjcmV0")
	if err != nil {
		log.Fatal(err)
	}
	permissions, err := sas.ParseContainerPermissions(token.Permissions)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.URL)
	fmt.Println("container:", token.Resource == sas.ResourceContainer)
	fmt.Println("may list:", permissions.List, "may write:", permissions.Write)
	fmt.Println("until", token.Expiry, "from", token.IP)
	// Output:
	// https://account.blob.core.windows.net/photos
	// container: true
	// may list: true may write: false
	// until 2030-01-02 03:04:05 +0000 UTC from 10.0.0.1-10.0.0.9
}
