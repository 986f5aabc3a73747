package link

import (
	"errors"
	"fmt"
	"iter"

	"github.com/goblob/azureblob/internal/wire"
)

// Pages asks for page after page until there is no marker or the loop ends. Next is
// told the page before, which is nil at first.
func Pages[P any](size int, client any, op *wire.Operation, marker string, next func(marker string, before *P) (*P, string, error)) iter.Seq2[*P, error] {
	return func(yield func(*P, error) bool) {
		if size < 0 || size > 5000 {
			yield(nil, RefuseAs(client, op, "OutOfRangeQueryParameterValue", fmt.Errorf("the page size is %d and not 1 to 5,000", size)))
			return
		}
		var before *P
		for marker := marker; ; {
			page, after, err := next(marker, before)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) || after == "" {
				return
			}
			if after == marker {
				yield(nil, Local(client, op, errors.New("the service returned the same marker twice")))
				return
			}
			marker, before = after, page
		}
	}
}

// Items flattens pages.
func Items[P, T any](pages iter.Seq2[*P, error], of func(*P) []*T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for page, err := range pages {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range of(page) {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}
