package azureblob

import (
	"iter"

	"github.com/goblob/azureblob/internal/link"
	"github.com/goblob/azureblob/internal/wire"
)

// pages asks for page after page until there is no marker or the loop ends.
func pages[P any](size int, h *handle, op *wire.Operation, marker string, next func(marker string) (*P, string, error)) iter.Seq2[*P, error] {
	return link.Pages(size, h, op, marker, next)
}

// items flattens pages.
func items[P, T any](pages iter.Seq2[*P, error], of func(*P) []*T) iter.Seq2[*T, error] {
	return link.Items(pages, of)
}
