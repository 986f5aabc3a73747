package sas_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/goblob/azureblob/sas"
)

// lettered is a type of letters with how it is read.
type lettered struct {
	name, letters string
	read          func(string) (fmt.Stringer, error)
}

func reading[T fmt.Stringer](parse func(string) (T, error)) func(string) (fmt.Stringer, error) {
	return func(s string) (fmt.Stringer, error) { return parse(s) }
}

// allLetters are in the order that the service wants.
var allLetters = []lettered{
	{"account", "rwdxylacupfti", reading(sas.ParseAccountPermissions)},
	{"container", "racwdxltfmeopi", reading(sas.ParseContainerPermissions)},
	{"directory", "racwdlmeop", reading(sas.ParseDirectoryPermissions)},
	{"blob", "racwdxytmeopi", reading(sas.ParseBlobPermissions)},
	{"resource types", "sco", reading(sas.ParseResourceTypes)},
	{"services", "bqtf", reading(sas.ParseServices)},
}

func TestLetters(t *testing.T) {
	for _, l := range allLetters {
		all, err := l.read(l.letters)
		if err != nil || all.String() != l.letters {
			t.Errorf("%s: %q, %v, want %q", l.name, all, err, l.letters)
		}
		// Every field has a letter, and every letter a field of its own.
		v := reflect.ValueOf(all)
		if v.NumField() != len(l.letters) {
			t.Errorf("%s: %d fields for %q", l.name, v.NumField(), l.letters)
		}
		for i := range v.NumField() {
			if !v.Field(i).Bool() {
				t.Errorf("%s: %s has no letter", l.name, v.Type().Field(i).Name)
			}
		}
		for range 100 {
			var some, shuffled string
			for _, i := range rand.Perm(len(l.letters)) {
				if rand.IntN(2) == 0 {
					shuffled += l.letters[i : i+1]
				}
			}
			for _, r := range l.letters {
				if strings.ContainsRune(shuffled, r) {
					some += string(r)
				}
			}
			if got, err := l.read(shuffled); err != nil || got.String() != some {
				t.Errorf("%s: %q is read as %q, %v", l.name, shuffled, got, err)
			}
		}
		first := l.letters[:1]
		for _, bad := range []string{first + first, first + "z", "R", " ", "é", first + "\xff", l.letters + first} {
			if got, err := l.read(bad); !errors.Is(err, fs.ErrInvalid) || got.String() != "" {
				t.Errorf("%s: %q is read as %q, %v", l.name, bad, got, err)
			}
		}
	}
	// What a resource does not have.
	for _, bad := range []string{"l", "f", "u"} {
		if _, err := sas.ParseBlobPermissions(bad); err == nil {
			t.Errorf("%s is taken for a blob", bad)
		}
	}
	if _, err := sas.ParseContainerPermissions("y"); err == nil {
		t.Error("y is taken for a container")
	}
}

// TestLettersAreTheRightOnes holds the fields against the letters one by one.
func TestLettersAreTheRightOnes(t *testing.T) {
	for letter, v := range map[string][]fmt.Stringer{
		"r": {sas.AccountPermissions{Read: true}, sas.ContainerPermissions{Read: true}, sas.DirectoryPermissions{Read: true}, sas.BlobPermissions{Read: true}},
		"a": {sas.AccountPermissions{Add: true}, sas.ContainerPermissions{Add: true}, sas.DirectoryPermissions{Add: true}, sas.BlobPermissions{Add: true}},
		"c": {sas.AccountPermissions{Create: true}, sas.ContainerPermissions{Create: true}, sas.DirectoryPermissions{Create: true}, sas.BlobPermissions{Create: true}, sas.ResourceTypes{Container: true}},
		"w": {sas.AccountPermissions{Write: true}, sas.ContainerPermissions{Write: true}, sas.DirectoryPermissions{Write: true}, sas.BlobPermissions{Write: true}},
		"d": {sas.AccountPermissions{Delete: true}, sas.ContainerPermissions{Delete: true}, sas.DirectoryPermissions{Delete: true}, sas.BlobPermissions{Delete: true}},
		"x": {sas.AccountPermissions{DeleteVersion: true}, sas.ContainerPermissions{DeleteVersion: true}, sas.BlobPermissions{DeleteVersion: true}},
		"y": {sas.AccountPermissions{PermanentDelete: true}, sas.BlobPermissions{PermanentDelete: true}},
		"l": {sas.AccountPermissions{List: true}, sas.ContainerPermissions{List: true}, sas.DirectoryPermissions{List: true}},
		"t": {sas.AccountPermissions{Tags: true}, sas.ContainerPermissions{Tags: true}, sas.BlobPermissions{Tags: true}, sas.Services{Table: true}},
		"f": {sas.AccountPermissions{FindByTags: true}, sas.ContainerPermissions{FindByTags: true}, sas.Services{File: true}},
		"m": {sas.ContainerPermissions{Move: true}, sas.DirectoryPermissions{Move: true}, sas.BlobPermissions{Move: true}},
		"e": {sas.ContainerPermissions{Execute: true}, sas.DirectoryPermissions{Execute: true}, sas.BlobPermissions{Execute: true}},
		"o": {sas.ContainerPermissions{Ownership: true}, sas.DirectoryPermissions{Ownership: true}, sas.BlobPermissions{Ownership: true}, sas.ResourceTypes{Object: true}},
		"p": {sas.AccountPermissions{Process: true}, sas.ContainerPermissions{Permissions: true}, sas.DirectoryPermissions{Permissions: true}, sas.BlobPermissions{Permissions: true}},
		"i": {sas.AccountPermissions{SetImmutabilityPolicy: true}, sas.ContainerPermissions{SetImmutabilityPolicy: true}, sas.BlobPermissions{SetImmutabilityPolicy: true}},
		"u": {sas.AccountPermissions{Update: true}},
		"s": {sas.ResourceTypes{Service: true}},
		"b": {sas.Services{Blob: true}},
		"q": {sas.Services{Queue: true}},
	} {
		for _, p := range v {
			if p.String() != letter {
				t.Errorf("%#v is %q, want %q", p, p, letter)
			}
		}
	}
}
