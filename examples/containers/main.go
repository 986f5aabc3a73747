// Containers shows the life of a container: it is made, described, shared by a
// link that can be taken back, listed, deleted, and brought back.
//
//	go run ./examples/containers
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
	"github.com/goblob/azureblob/examples/internal/connect"
	"github.com/goblob/azureblob/sas"
)

func main() {
	connect.Main(&blobtest.Options{ContainerSoftDelete: 7}, connect.WithService(run))
}

func run(ctx context.Context, service *azureblob.ServiceClient, _ []string, out io.Writer) (err error) {
	name := fmt.Sprintf("photos-%d", time.Now().UnixNano())
	photos := service.Container(name)
	if _, err := photos.Create(ctx, &azureblob.CreateContainerOptions{
		Metadata: azureblob.Metadata{"project": "alps"},
	}); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("there is a container %s already: %w", name, err)
	} else if err != nil {
		return err
	}
	defer func() {
		if _, e := photos.Delete(context.WithoutCancel(ctx), nil); e != nil && !errors.Is(e, azureblob.ContainerNotFound) {
			err = errors.Join(err, e)
		}
	}()
	fmt.Fprintln(out, "created")
	if _, err := photos.Blob("cat.jpg").Upload(ctx, strings.NewReader("meow"), nil); err != nil {
		return err
	}
	if err := describe(ctx, photos, out); err != nil {
		return err
	}
	if err := share(ctx, photos, out); err != nil {
		return err
	}
	for item, err := range service.Containers(ctx, &azureblob.ListContainersOptions{
		Prefix:  name,
		Include: azureblob.ListContainersInclude{Metadata: true},
	}) {
		if err != nil {
			return err
		}
		fmt.Fprintln(out, "listed", item.Metadata)
	}
	if _, err := photos.Delete(ctx, nil); err != nil {
		return err
	}
	fmt.Fprintln(out, "deleted")
	return undelete(ctx, service, photos, out)
}

// describe changes one entry of the metadata, which are set as a whole.
func describe(ctx context.Context, photos *azureblob.ContainerClient, out io.Writer) error {
	p, err := photos.Properties(ctx, nil)
	if err != nil {
		return err
	}
	p.Metadata["camera"] = "x100"
	if _, err := photos.SetMetadata(ctx, p.Metadata, nil); err != nil {
		return err
	}
	p, err = photos.Properties(ctx, nil)
	fmt.Fprintln(out, "described", p.Metadata)
	return err
}

// share makes a link by which friends can list and read. What they may do, and
// for how long, is a policy of the container: with that, the link ends.
func share(ctx context.Context, photos *azureblob.ContainerClient, out io.Writer) error {
	policy := azureblob.AccessPolicy{Identifiers: []azureblob.SignedIdentifier{{
		ID:          "friends",
		Expiry:      time.Now().Add(30 * 24 * time.Hour),
		Permissions: sas.ContainerPermissions{Read: true, List: true}.String(),
	}}}
	if _, err := photos.SetAccessPolicy(ctx, policy, nil); err != nil {
		return err
	}
	link, err := photos.SASURL(sas.Container{Policy: "friends"})
	if err != nil {
		return err
	}
	friend, err := azureblob.NewContainerClient(link, nil, nil)
	if err != nil {
		return err
	}
	cat := friend.Blob("cat.jpg")
	if err := wait(ctx, func() bool { there, _ := cat.Exists(ctx, nil); return there }); err != nil {
		return err
	}
	for item, err := range friend.Blobs(ctx, nil) {
		if err != nil {
			return err
		}
		fmt.Fprintln(out, "a friend sees", item.Name)
	}
	if _, err := photos.SetAccessPolicy(ctx, azureblob.AccessPolicy{}, nil); err != nil {
		return err
	}
	if err := wait(ctx, func() bool { _, err := cat.Exists(ctx, nil); return errors.Is(err, fs.ErrPermission) }); err != nil {
		return err
	}
	fmt.Fprintln(out, "a friend is kept out")
	return nil
}

// wait gives the service the half minute that a change of policies may take.
func wait(ctx context.Context, done func() bool) error {
	for range 60 {
		if done() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return errors.New("the service did not take to the policies")
}

// undelete brings the container back, if the account keeps deleted ones.
func undelete(ctx context.Context, service *azureblob.ServiceClient, photos *azureblob.ContainerClient, out io.Writer) error {
	deleted := &azureblob.ListContainersOptions{
		Prefix:  photos.Name(),
		Include: azureblob.ListContainersInclude{Deleted: true},
	}
	for item, err := range service.Containers(ctx, deleted) {
		if err != nil {
			return err
		}
		if item.Name != photos.Name() || !item.Deleted {
			continue
		}
		if _, err := photos.Undelete(ctx, item.Version, nil); err != nil {
			return err
		}
		content, err := photos.Blob("cat.jpg").ReadAll(ctx, nil)
		fmt.Fprintf(out, "brought back, with %q\n", content)
		return err
	}
	fmt.Fprintln(out, "gone for good, as the account keeps no deleted containers")
	return nil
}
