package azureblob_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/blobtest"
)

func init() {
	exercise("Container_Restore", "ContainerClient.Undelete", func(ctx context.Context, s subject) (any, error) {
		o := filled[azureblob.UndeleteContainerOptions]()
		return s.container().Undelete(ctx, "some", o)
	})
	exercise("Container_Rename", "ContainerClient.Rename", func(ctx context.Context, s subject) (any, error) {
		return s.container().Rename(ctx, "pictures", filled[azureblob.RenameContainerOptions]())
	})
}

func TestUndeleteContainer(t *testing.T) {
	s := blobtest.New(t, &blobtest.Options{ContainerSoftDelete: 7}).ServiceClient(azureblob.CapturingOptions())
	ctx, c := t.Context(), newContainer(t, s)
	for _, name := range []string{"first", "second"} {
		if _, err := c.CreateIfNotExists(ctx, nil); err != nil {
			t.Fatal(err)
		}
		must[azureblob.UploadResult](t)(c.Blob(name).Upload(ctx, strings.NewReader("x"), nil))
		must[azureblob.DeleteContainerResult](t)(c.Delete(ctx, nil))
	}
	var versions []string
	for item, err := range s.Containers(ctx, &azureblob.ListContainersOptions{Include: azureblob.ListContainersInclude{Deleted: true}}) {
		if err != nil {
			t.Fatal(err)
		}
		if !item.Deleted || item.Name != c.Name() || item.Properties.RemainingRetentionDays != 7 {
			t.Errorf("%+v", item)
		}
		versions = append(versions, item.Version)
	}
	if len(versions) != 2 {
		t.Fatalf("versions %v", versions)
	}
	if r := must[azureblob.UndeleteContainerResult](t)(c.Undelete(ctx, versions[0], nil)); r.StatusCode != 201 || r.RequestID == "" {
		t.Errorf("%+v", r)
	}
	if _, err := c.Undelete(ctx, versions[1], nil); !errors.Is(err, azureblob.ContainerAlreadyExists) || !errors.Is(err, fs.ErrExist) {
		t.Errorf("the name is in use: %v", err)
	}
	other := s.Container(c.Name() + "-2")
	must[azureblob.UndeleteContainerResult](t)(other.Undelete(ctx, versions[1], &azureblob.UndeleteContainerOptions{DeletedName: c.Name()}))
	for _, container := range []*azureblob.ContainerClient{c, other} {
		first := must[bool](t)(container.Blob("first").Exists(ctx, nil))
		second := must[bool](t)(container.Blob("second").Exists(ctx, nil))
		if first == second || first != (container == c) {
			t.Errorf("%s has the first blob: %v, the second: %v", container.Name(), first, second)
		}
	}
	if _, err := other.Undelete(ctx, versions[1], nil); !errors.Is(err, azureblob.ContainerNotFound) {
		t.Errorf("nothing is deleted any more: %v", err)
	}
}

func TestUndeleteAndRenameRefuseBadInput(t *testing.T) {
	s, ctx := unsent(t), t.Context()
	_, err := s.Container("photos").Undelete(ctx, "", nil)
	refused(t, "no version", err, "Restore Container", "version")
	_, err = s.Container("photos").Undelete(ctx, "1", &azureblob.UndeleteContainerOptions{DeletedName: "A"})
	refused(t, "bad name", err, "Restore Container")
	_, err = s.Container("photos").Rename(ctx, "No Name", nil)
	refused(t, "bad name", err, "Rename Container")
	_, err = s.Container("No Name").Rename(ctx, "photos", nil)
	refused(t, "bad handle", err, "Rename Container")
	if _, err := new(azureblob.ContainerClient).Rename(ctx, "photos", nil); err == nil {
		t.Error("a zero client renames")
	}
}

// TestRename: no service that can be had in a test renames. What is sent is held
// against the protocol by the exercise.
func TestRename(t *testing.T) {
	s, ctx := blobtest.New(t).ServiceClient(azureblob.CapturingOptions()), t.Context()
	_, err := newContainer(t, s).Rename(ctx, "pictures", nil)
	if e, ok := errors.AsType[*azureblob.Error](err); !ok || e.StatusCode != 501 || e.Container != "pictures" {
		t.Error(err)
	}
}
