package sas

import "strings"

// AccountPermissions are what the bearer of an account SAS may do. Most apply to
// some types of resources only.
type AccountPermissions struct {
	Read                  bool // r: content, properties and metadata, of all but the names in a container
	Write                 bool // w: content, properties, metadata, leases
	Delete                bool // d
	DeleteVersion         bool // x: needs version 2019-12-12
	PermanentDelete       bool // y: snapshots and versions that are soft-deleted; needs version 2020-02-10
	List                  bool // l: containers, or the blobs in them
	Add                   bool // a: blocks to append blobs
	Create                bool // c: new blobs, snapshots, containers; overwrites nothing
	Update                bool // u: entities and messages, which are not of the Blob service
	Process               bool // p: messages, which are not of the Blob service
	FindByTags            bool // f: needs version 2019-12-12
	Tags                  bool // t: read and write index tags; needs version 2019-12-12
	SetImmutabilityPolicy bool // i: and legal holds; needs version 2020-06-12
}

func (p *AccountPermissions) letters() []letter {
	return []letter{
		{'r', &p.Read}, {'w', &p.Write}, {'d', &p.Delete}, {'x', &p.DeleteVersion}, {'y', &p.PermanentDelete},
		{'l', &p.List}, {'a', &p.Add}, {'c', &p.Create}, {'u', &p.Update}, {'p', &p.Process},
		{'f', &p.FindByTags}, {'t', &p.Tags}, {'i', &p.SetImmutabilityPolicy},
	}
}

// String returns the letters of the permissions, in the order of the service.
func (p AccountPermissions) String() string { return textOf(p.letters()) }

// ParseAccountPermissions reads letters in any order. A letter that is none, or
// that is there twice, is an error.
func ParseAccountPermissions(s string) (AccountPermissions, error) {
	var p AccountPermissions
	if err := readLetters(s, p.letters(), "permission of an account SAS"); err != nil {
		return AccountPermissions{}, err
	}
	return p, nil
}

// ContainerPermissions are what the bearer of a container SAS may do with the
// blobs in the container. Nothing but an account SAS gives rights to the container itself.
type ContainerPermissions struct {
	Read                  bool // r: content, properties and metadata of blobs
	Add                   bool // a: blocks to append blobs
	Create                bool // c: new blobs and snapshots; overwrites nothing
	Write                 bool // w: content, properties, metadata and leases of blobs
	Delete                bool // d: blobs
	DeleteVersion         bool // x: needs version 2019-12-12
	List                  bool // l: the blobs in the container
	Tags                  bool // t: read and write index tags; needs version 2019-12-12
	FindByTags            bool // f: needs version 2019-12-12
	Move                  bool // m: to another place, with all that is in a directory; needs version 2020-02-10
	Execute               bool // e: read properties, and for directories pass through; needs version 2020-02-10
	Ownership             bool // o: set the owner and the group; needs version 2020-02-10
	Permissions           bool // p: set POSIX permissions and access control lists; needs version 2020-02-10
	SetImmutabilityPolicy bool // i: and legal holds; needs version 2020-06-12
}

func (p *ContainerPermissions) letters() []letter {
	return []letter{
		{'r', &p.Read}, {'a', &p.Add}, {'c', &p.Create}, {'w', &p.Write}, {'d', &p.Delete}, {'x', &p.DeleteVersion},
		{'l', &p.List}, {'t', &p.Tags}, {'f', &p.FindByTags}, {'m', &p.Move}, {'e', &p.Execute}, {'o', &p.Ownership},
		{'p', &p.Permissions}, {'i', &p.SetImmutabilityPolicy},
	}
}

// String returns the letters of the permissions, in the order of the service.
func (p ContainerPermissions) String() string { return textOf(p.letters()) }

// ParseContainerPermissions reads letters in any order, such as those of stored
// access policies. A letter that is none, or that is there twice, is an error.
func ParseContainerPermissions(s string) (ContainerPermissions, error) {
	var p ContainerPermissions
	if err := readLetters(s, p.letters(), "permission of a container SAS"); err != nil {
		return ContainerPermissions{}, err
	}
	return p, nil
}

// DirectoryPermissions are what the bearer of a directory SAS may do with all
// that is in the directory.
type DirectoryPermissions struct {
	Read        bool // r: content, properties and metadata
	Add         bool // a: blocks to append blobs
	Create      bool // c: new blobs and directories; overwrites nothing
	Write       bool // w: content, properties, metadata and leases
	Delete      bool // d
	List        bool // l
	Move        bool // m: to another place
	Execute     bool // e: read properties, and for directories pass through
	Ownership   bool // o: set the owner and the group
	Permissions bool // p: set POSIX permissions and access control lists
}

func (p *DirectoryPermissions) letters() []letter {
	return []letter{
		{'r', &p.Read}, {'a', &p.Add}, {'c', &p.Create}, {'w', &p.Write}, {'d', &p.Delete},
		{'l', &p.List}, {'m', &p.Move}, {'e', &p.Execute}, {'o', &p.Ownership}, {'p', &p.Permissions},
	}
}

// String returns the letters of the permissions, in the order of the service.
func (p DirectoryPermissions) String() string { return textOf(p.letters()) }

// ParseDirectoryPermissions reads letters in any order. A letter that is none,
// or that is there twice, is an error.
func ParseDirectoryPermissions(s string) (DirectoryPermissions, error) {
	var p DirectoryPermissions
	if err := readLetters(s, p.letters(), "permission of a directory SAS"); err != nil {
		return DirectoryPermissions{}, err
	}
	return p, nil
}

// BlobPermissions are what the bearer of a blob SAS may do with the blob, or with
// the one snapshot or version that it is for. There is nothing to list.
type BlobPermissions struct {
	Read                  bool // r: content, properties, metadata, and as a source of copies
	Add                   bool // a: blocks to an append blob
	Create                bool // c: the blob if it is not there, and snapshots; overwrites nothing
	Write                 bool // w: content, properties, metadata, leases, snapshots
	Delete                bool // d
	DeleteVersion         bool // x: needs version 2019-12-12
	PermanentDelete       bool // y: a snapshot or version that is soft-deleted; needs version 2020-02-10
	Tags                  bool // t: read and write index tags; needs version 2019-12-12
	Move                  bool // m: to another place; needs version 2020-02-10
	Execute               bool // e: read properties; needs version 2020-02-10
	Ownership             bool // o: set the owner and the group; needs version 2020-02-10
	Permissions           bool // p: set POSIX permissions and access control lists; needs version 2020-02-10
	SetImmutabilityPolicy bool // i: and legal holds; needs version 2020-06-12
}

func (p *BlobPermissions) letters() []letter {
	return []letter{
		{'r', &p.Read}, {'a', &p.Add}, {'c', &p.Create}, {'w', &p.Write}, {'d', &p.Delete}, {'x', &p.DeleteVersion},
		{'y', &p.PermanentDelete}, {'t', &p.Tags}, {'m', &p.Move}, {'e', &p.Execute}, {'o', &p.Ownership},
		{'p', &p.Permissions}, {'i', &p.SetImmutabilityPolicy},
	}
}

// String returns the letters of the permissions, in the order of the service.
func (p BlobPermissions) String() string { return textOf(p.letters()) }

// ParseBlobPermissions reads letters in any order. A letter that is none, or that
// is there twice, is an error.
func ParseBlobPermissions(s string) (BlobPermissions, error) {
	var p BlobPermissions
	if err := readLetters(s, p.letters(), "permission of a blob SAS"); err != nil {
		return BlobPermissions{}, err
	}
	return p, nil
}

// letter is a flag and the letter that it is written as.
type letter struct {
	char byte
	on   *bool
}

func textOf(letters []letter) string {
	b := make([]byte, 0, len(letters))
	for _, l := range letters {
		if *l.on {
			b = append(b, l.char)
		}
	}
	return string(b)
}

func readLetters(s string, letters []letter, what string) error {
next:
	for _, r := range s {
		for _, l := range letters {
			if rune(l.char) == r {
				if *l.on {
					return invalidf("%q is there twice", r)
				}
				*l.on = true
				continue next
			}
		}
		return invalidf("%q is no %s", r, what)
	}
	return nil
}

// checkLetters refuses permissions that are newer than the version. The service
// says no more of them than that the signature is wrong.
func checkLetters(permissions, version string) error {
	for _, g := range [...]struct{ letters, since string }{{"xtf", "2019-12-12"}, {"ymeop", "2020-02-10"}, {"i", "2020-06-12"}} {
		if i := strings.IndexAny(permissions, g.letters); i >= 0 && version < g.since {
			return tooOld(version, "permission "+permissions[i:i+1], g.since)
		}
	}
	return nil
}
