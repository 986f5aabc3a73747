package secretless

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestSearch(t *testing.T) {
	for text, want := range map[string]int{
		"nothing here":                                   0,
		"https://h/c?sv=1&sig=REDACTED&x":                0,
		"https://h/c?sv=1&sig=abc":                       1,
		"https%3A//h?sv%3D1&sig%3Dabc":                   1,
		"the parameter sig= is empty, and ?sig=\" too":   0,
		"AccountName=a;AccountKey=abc":                   1,
		"AccountName=a;AccountKey=REDACTED;":             0,
		"Authorization: SharedKey account:abc":           1,
		"Authorization: SharedKey account:REDACTED":      0,
		"Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJ": 1,
		"my own secret":                                  1,
	} {
		if found := search([]byte(text), []string{"my own secret"}); len(found) != want {
			t.Errorf("%s: %q", text, found)
		}
	}
}

func TestShow(t *testing.T) {
	inner := errors.New("inner")
	var text strings.Builder
	show(&text, fmt.Errorf("outer: %w", errors.Join(errors.New("other"), inner)))
	if n := strings.Count(text.String(), "inner"); n < 10 {
		t.Errorf("the cause is shown %d times: %s", n, text.String())
	}
}

type tests int

func (t tests) Run() int { Error(errors.New("?sig=abc")); return int(t) }

func TestMainFails(t *testing.T) {
	if code := Main(tests(0)).Run(); code != 1 {
		t.Errorf("exit code %d", code)
	}
}
