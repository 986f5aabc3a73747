// Package azureblob is a client of Azure Blob Storage.
//
// # Clients
//
// A [ServiceClient] is a storage account. It makes handles of containers, which
// make handles of blobs:
//
//	service, err := azureblob.NewServiceClientFromConnectionString(os.Getenv("AZURE_STORAGE_CONNECTION_STRING"), nil)
//	if err != nil {
//		return err
//	}
//	photos := service.Container("photos")
//	cat := photos.Blob("2026/cat.jpg")
//
// Handles are cheap, send nothing by themselves, and are safe for concurrent
// use. Make one client and keep it: its connections and its memory budget are
// shared by all handles that come from it. A client needs no closing.
//
// Whoever has the URL of a container or a blob makes a client of that with
// [NewContainerClient] or [NewBlobClient]. See [Credential] for the ways to say
// who is calling.
//
// # Content
//
// [BlobClient.Upload] takes any io.Reader, [BlobClient.UploadFile] a file, and
// [BlobClient.NewWriter] is an io.WriteCloser. [BlobClient.NewReader] is an
// io.ReadSeekCloser that reads ahead, [BlobClient.Download] writes to an
// io.WriterAt, [BlobClient.DownloadFile] replaces a file when all is there, and
// [BlobClient.ReadAll] returns bytes.
//
//	_, err = cat.UploadFile(ctx, "cat.jpg", &azureblob.UploadOptions{
//		HTTPHeaders: azureblob.HTTPHeaders{ContentType: "image/jpeg"},
//		Conditions:  azureblob.Conditions{IfNoneMatch: azcore.ETagAny}, // never overwrite
//	})
//	if errors.Is(err, fs.ErrExist) {
//		return errors.New("there is a cat already")
//	}
//
// All of them move several blocks at a time, hold no more memory than the budget
// of the client allows, stop at the first error, and return what is right or an
// error, never a part.
//
// # Signatures
//
// SASURL of each client makes a URL that lets anybody read, write or list for a
// time, without a credential; see package sas for what can be signed:
//
//	u, err := cat.SASURL(sas.Blob{
//		Permissions: sas.BlobPermissions{Read: true},
//		Expiry:      time.Now().Add(time.Hour),
//	})
//
// # Calls
//
// Every call takes a context, what it needs, and a pointer to options, which may
// be nil. A zero field of options is not sent. Results are values and embed
// [ResponseInfo]. Errors are an [*Error], to be asked with errors.Is for an
// [ErrorCode] of the service or for fs.ErrNotExist, fs.ErrExist,
// fs.ErrPermission and fs.ErrInvalid.
//
// Listings are iterators:
//
//	for item, err := range photos.Blobs(ctx, nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(item.Name, item.Properties.ContentLength)
//	}
package azureblob

// Version is the version of this module, as it is told to the service.
const Version = "v0.1.0"
