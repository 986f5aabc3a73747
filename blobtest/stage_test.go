package blobtest

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/goblob/azureblob"
)

// TestStagedBlocksAreLimited stages as many blocks as one blob may have, past
// HTTP for the sake of time.
func TestStagedBlocksAreLimited(t *testing.T) {
	s := NewServer(nil)
	defer s.Close()
	r := httptest.NewRequest("PUT", s.Endpoint()+"/photos/x?comp=block&blockid=AAAA", nil)
	b := (&container{byName: map[string]*blob{}}).named("x")
	x := s.newExchange(r, locate(r))
	stage := func(i int) error { return x.stage(b, fmt.Sprintf("A%07d", i), content{}) }
	for i := range maxStaged {
		if err := stage(i); err != nil {
			t.Fatalf("block %d: %v", i, err)
		}
	}
	if err, ok := stage(maxStaged).(*failure); !ok || err.code != azureblob.BlockCountExceedsLimit || err.status != 409 {
		t.Errorf("one more: %v", err)
	}
	if err := stage(7); err != nil {
		t.Errorf("one of them again: %v", err)
	}
	if len(b.staged.blocks) != 100_000 {
		t.Errorf("%d blocks", len(b.staged.blocks))
	}
}
