package blobtest

import (
	"net/http"
	"strconv"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.GetAccountInfo, endpoint{run: accountInfo, needs: anyPermission})
	handle(rest.GetContainerAccountInfo, endpoint{run: accountInfo, needs: anyPermission})
	handle(rest.GetBlobAccountInfo, endpoint{run: accountInfo, needs: anyPermission})
}

func accountInfo(x *exchange) error {
	x.set("x-ms-is-hns-enabled", strconv.FormatBool(x.server.options.HierarchicalNamespace))
	return x.answer(http.StatusOK, azureblob.AccountInfo{Kind: azureblob.AccountStorageV2, SKU: "Standard_RAGRS"})
}
