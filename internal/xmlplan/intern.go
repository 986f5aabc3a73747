package xmlplan

import (
	"encoding/binary"
	"math/bits"
)

// interned remembers short strings, so that the content types, tiers and
// states of a page are one string each. It forgets: a newer string takes the
// place of an older one, and that keeps it small and without chains to walk.
type interned struct {
	slots [512]string
	used  bool
}

// Longer strings, such as names and continuation markers, hardly repeat.
const maxInterned = 48

func (t *interned) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > maxInterned {
		return string(b)
	}
	slot := &t.slots[hash(b)%uint64(len(t.slots))]
	if *slot != string(b) {
		*slot = string(b)
		t.used = true
	}
	return *slot
}

func (t *interned) forget() {
	if t.used {
		clear(t.slots[:])
		t.used = false
	}
}

// hash mixes the length with the first and the last eight bytes. A collision costs an allocation, no more.
func hash(b []byte) uint64 {
	var first, last uint64
	if n := len(b); n >= 8 {
		first = binary.LittleEndian.Uint64(b)
		last = binary.LittleEndian.Uint64(b[n-8:])
	} else {
		for _, c := range b {
			first = first<<8 | uint64(c)
		}
	}
	high, low := bits.Mul64(first^0x9E3779B97F4A7C15, last^0xD6E8FEB86659FD93^uint64(len(b)))
	return high ^ low
}
