package azureblob

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkContainerName holds a container name against the rules of the service:
// 3 to 63 of a-z, 0-9 and -, no - at an end, no two in a row. The containers of
// the system, such as $root, $web and $logs, start with a dollar sign.
func checkContainerName(name string) error {
	switch {
	case name == "":
		return errors.New("the container name is empty")
	case name[0] == '$' && len(name) > 1 && len(name) <= 63:
		name = "x" + name[1:]
	case len(name) < 3 || len(name) > 63:
		return coded(OutOfRangeInput, fmt.Errorf("the container name has %d characters and not 3 to 63", utf8.RuneCountInString(name)))
	}
	for i := range len(name) {
		if c := name[i]; c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return coded(InvalidResourceName, fmt.Errorf("the container name %q has a character that is not one of a-z, 0-9 and -", name))
		}
	}
	if name[0] == '-' || name[len(name)-1] == '-' || strings.Contains(name, "--") {
		return coded(InvalidResourceName, fmt.Errorf("the container name %q has a - at an end, or two in a row", name))
	}
	return nil
}

// checkBlobName refuses what the service does not take as a blob name: nothing
// at all, more than 1,024 characters or 254 path segments, control characters and
// U+E000, and bytes that are not UTF-8.
func checkBlobName(name string) error {
	if name == "" {
		return errors.New("the blob name is empty")
	}
	if !utf8.ValidString(name) {
		return coded(InvalidURI, errors.New("the blob name is not valid UTF-8"))
	}
	length := 0
	for _, r := range name {
		if unicode.IsControl(r) || r == '\ue000' {
			return coded(InvalidURI, errors.New("the blob name has a control character, or U+E000"))
		}
		length++
		if r > 0xffff {
			length++ // the service counts in UTF-16
		}
	}
	if length > 1024 {
		return coded(OutOfRangeInput, fmt.Errorf("the blob name has %d characters and not 1 to 1,024", length))
	}
	if n := strings.Count(strings.Trim(name, "/"), "/") + 1; n > 254 {
		return coded(InvalidURI, fmt.Errorf("the blob name has %d path segments, and 254 is the most", n))
	}
	return nil
}
