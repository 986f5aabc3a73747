package wire

import "fmt"

// Refusal is bad input that the service would refuse, and the code of its answer.
type Refusal struct {
	Code string
	Err  error
}

// Error is that of what is wrong.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns what is wrong.
func (r *Refusal) Unwrap() error { return r.Err }

func refusal(code, format string, args ...any) error {
	return &Refusal{code, fmt.Errorf(format, args...)}
}
