package azureblob_test

import (
	"context"

	"github.com/goblob/azureblob/blockblob"
)

func init() {
	exercise("BlockBlob_Query", "blockblob.Client.Query", func(ctx context.Context, s subject) (any, error) {
		b := blockblob.New(s.blob())
		o := filled[blockblob.QueryOptions]()
		o.Input, o.Output = blockblob.QueryCSV{}, blockblob.QueryJSON{}
		r, err := b.Query(ctx, "SELECT", o)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		of, err := blockblob.New(b.WithSnapshot(s.snapshot)).Query(ctx, "SELECT", nil)
		if err != nil {
			return nil, err
		}
		if err := of.Close(); err != nil {
			return nil, err
		}
		return r.Result(), r.Close()
	})
}
