package azureblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goblob/azureblob/internal/rest"
)

// DownloadFile is [BlobClient.Download] to the file with that name. It writes to
// a new file beside it and renames that when all is there, so a failure leaves
// an old file as it was, and no other behind. The mode of an old file is kept.
// It always begins at the start; to go on with a part that is there, open a
// [Reader] with a range and the ETag in its conditions.
//
// Errors of the file are those of package os, and fs.ErrNotExist is one of them:
// to know that the blob is missing, ask for [BlobNotFound].
//
// REST: Get Blob.
func (b *BlobClient) DownloadFile(ctx context.Context, path string, o *DownloadOptions) (DownloadResult, error) {
	ctx, end := b.begin(ctx, "Download")
	r, err := b.downloadFile(ctx, path, o)
	end(err)
	return r, err
}

func (b *BlobClient) downloadFile(ctx context.Context, path string, o *DownloadOptions) (DownloadResult, error) {
	d, err := b.newDownload(ctx, o, defaultRangeSize)
	if err != nil {
		return DownloadResult{}, err
	}
	f, err := createBeside(path)
	if err != nil {
		return DownloadResult{}, b.local(rest.GetBlob, err)
	}
	defer f.discard()
	first, err := d.open(ctx)
	if err != nil {
		return DownloadResult{}, err
	}
	result, err := d.run(ctx, first, f.File)
	if err != nil {
		return DownloadResult{}, err
	}
	if err := f.keep(); err != nil {
		return DownloadResult{}, b.local(rest.GetBlob, err)
	}
	return result, nil
}

// newFile is a file that takes the place of another when it is complete.
type newFile struct {
	*os.File
	target string
	kept   bool
}

// createBeside makes a new file in the folder of path, with the mode that path
// has or would get. A link is followed: what it points to is replaced.
func createBeside(path string) (*newFile, error) {
	if path == "" {
		return nil, invalidError{errors.New("the file name is empty")}
	}
	mode := fs.FileMode(0o666) // less the umask
	target := path
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, invalidError{fmt.Errorf("%s is no regular file; use Download to write to it", path)}
	case err == nil:
		mode = info.Mode().Perm()
		if target, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	default:
		if _, err := os.Lstat(path); err == nil {
			return nil, invalidError{fmt.Errorf("%s is a link to nothing", path)}
		}
	}
	name := filepath.Join(filepath.Dir(target), "."+shortened(filepath.Base(target))+"."+newUUID()[:13]+".tmp")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			e.Path = path // the name beside it tells the caller nothing
		}
		return nil, err
	}
	n := &newFile{File: f, target: target}
	if info != nil {
		// The umask does not apply to a mode that somebody chose.
		if err := f.Chmod(mode); err != nil {
			n.discard()
			return nil, err
		}
	}
	return n, nil
}

// shortened keeps a file name that is as long as names may be from growing.
func shortened(name string) string {
	if len(name) > 200 {
		return name[:200]
	}
	return name
}

func (f *newFile) keep() error {
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), f.target); err != nil {
		return err
	}
	f.kept = true
	return nil
}

func (f *newFile) discard() {
	if !f.kept {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}
