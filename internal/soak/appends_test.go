//go:build soak

package soak

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/appendblob"
	"github.com/goblob/azureblob/blobtest"
)

// TestAppends appends records one by one, with a Writer and by position. One append
// in five is carried out and reported as failed. Each record has to be there once, in
// its place.
func TestAppends(t *testing.T) {
	records := scale(1_000, 300)
	for name, add := range map[string]func(t *testing.T, b *appendblob.Client, records []string) error{
		"Writer": func(t *testing.T, b *appendblob.Client, records []string) error {
			w, err := b.NewWriter(t.Context(), &appendblob.WriterOptions{Create: &appendblob.CreateOptions{}})
			if err != nil {
				return err
			}
			for _, r := range records {
				if _, err := w.Write([]byte(r)); err != nil {
					return err
				}
				if err := w.Flush(); err != nil {
					return err
				}
			}
			return w.Close()
		},
		"IfPosition": func(t *testing.T, b *appendblob.Client, records []string) error {
			if _, err := b.Create(t.Context(), nil); err != nil {
				return err
			}
			at := int64(0)
			for _, r := range records {
				if _, err := b.Append(t.Context(), strings.NewReader(r), &appendblob.AppendOptions{IfPosition: &at}); err != nil {
					return err
				}
				at += int64(len(r))
			}
			return nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := blobtest.New(t)
			const repetitions = 100
			service := srv.ServiceClient(&azureblob.ClientOptions{RetryBudget: -1,
				Retry: azureblob.RetryOptions{Total: repetitions, Read: repetitions, Status: repetitions}})
			c := service.Container("soak")
			if _, err := c.Create(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			s := newStorm(0.1, 3)
			lost := blobtest.Fault{Operation: "Append Block", At: blobtest.AfterOperation, Reset: true}
			s.inject(srv, "applied, and reset", lost, nil)
			lost.Reset, lost.Status, lost.Code = false, 500, "InternalError"
			s.inject(srv, "applied, and 500", lost, nil)
			lines := make([]string, records)
			for i := range lines {
				lines[i] = fmt.Sprintf("record %06d\n", i)
			}
			b := appendblob.New(c.Blob("log"))
			err := add(t, b, lines)
			content, failure := b.ReadAll(t.Context(), nil)
			whole := string(content) == strings.Join(lines, "")
			t.Logf("%s: %d records appended in %d requests, each once and in order: %v (%v)", name, records, service.Usage().Requests, whole, err)
			s.print(t)
			if err != nil || failure != nil || !whole {
				t.Errorf("%s: %v, %v: %d bytes", name, err, failure, len(content))
			}
		})
	}
}
