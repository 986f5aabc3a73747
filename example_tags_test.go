package azureblob_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

// Tag photos, and find them in whatever container they are.
func ExampleServiceClient_FindBlobsByTags() {
	server := blobtest.NewServer(nil) // in the place of an account
	defer server.Close()
	ctx, service := context.Background(), server.ServiceClient()

	photos := service.Container("photos")
	if _, err := photos.Create(ctx, nil); err != nil {
		log.Fatal(err)
	}
	for name, year := range map[string]string{"eiger.jpg": "2024", "jungfrau.jpg": "2025"} {
		_, err := photos.Blob(name).Upload(ctx, strings.NewReader("..."), &azureblob.UploadOptions{
			Tags: azureblob.Tags{"project": "alps", "year": year},
		})
		if err != nil {
			log.Fatal(err)
		}
	}

	where := azureblob.Tag("project").Equals("alps").And(azureblob.Tag("year").AtLeast("2025"))
	for found, err := range service.FindBlobsByTags(ctx, where, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(found.ContainerName, found.Name, found.Tags)
	}
	// Output:
	// photos jungfrau.jpg map[project:alps year:2025]
}

// Let one of several workers have a blob: the tag changes hands only as long as
// nobody has it.
func ExampleBlobClient_SetTags() {
	server := blobtest.NewServer(nil)
	defer server.Close()
	ctx := context.Background()
	jobs := server.ServiceClient().Container("jobs")
	if _, err := jobs.Create(ctx, nil); err != nil {
		log.Fatal(err)
	}
	job := jobs.Blob("1.json")
	_, err := job.Upload(ctx, strings.NewReader("{}"), &azureblob.UploadOptions{Tags: azureblob.Tags{"state": "new"}})
	if err != nil {
		log.Fatal(err)
	}

	isNew := &azureblob.SetTagsOptions{Conditions: azureblob.TagConditions{IfTags: azureblob.Tag("state").Equals("new")}}
	for _, worker := range []string{"ada", "bob"} {
		_, err := job.SetTags(ctx, azureblob.Tags{"state": "taken", "by": worker}, isNew)
		fmt.Println(worker, "has it:", err == nil)
	}

	result, err := job.Tags(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Tags["by"])
	// Output:
	// ada has it: true
	// bob has it: false
	// ada
}

// Filters are texts of the language of the service, and can be built.
func ExampleTagFilter() {
	status := azureblob.Tag("status")
	var filter azureblob.TagFilter
	filter = filter.And(status.Equals("new").Or(status.Equals("failed")), azureblob.Tag("owner").NotEquals("nobody"))
	fmt.Println(filter)
	// Output:
	// "status" = 'new' AND "owner" <> 'nobody' OR "status" = 'failed' AND "owner" <> 'nobody'
}
