package azureblob_test

import (
	"context"

	"github.com/goblob/azureblob/blockblob"
)

func init() {
	exercise("BlockBlob_Query", "blockblob.Client.Query", func(ctx context.Context, s subject) (any, error) {
		b := blockblob.New(s.blob())
		if _, err := blockblob.New(b.WithSnapshot("some")).Query(ctx, "SELECT", nil); err != nil {
			return nil, err
		}
		o := filled[blockblob.QueryOptions]()
		o.Input, o.Output = blockblob.QueryCSV{}, blockblob.QueryJSON{}
		r, err := b.Query(ctx, "SELECT", o)
		if err != nil {
			return nil, err
		}
		return r.Result(), r.Close()
	})
}
