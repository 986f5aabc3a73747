package azureblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goblob/azureblob/internal/pipeline"
	"github.com/goblob/azureblob/internal/rest"
	"github.com/goblob/azureblob/internal/wire"
)

// check refuses what cannot succeed before anything is sent: for what the handle
// is, and for parts of the call that are wrong as a whole. What no header could
// carry is found when the parts are encoded.
func (h *handle) check(ctx context.Context, op *wire.Operation, parts ...any) error {
	if h.session == nil {
		return h.refuse(op, errors.New("the client is its zero value; make one with a constructor"))
	}
	if ctx == nil {
		return h.refuse(op, errors.New("the context is nil"))
	}
	if h.invalid != nil {
		return h.refuse(op, h.invalid)
	}
	if h.scope.Snapshot != "" && op.Scope&wire.Snapshot == 0 {
		return h.refuse(op, errors.New("a snapshot cannot be changed, and this would act on the blob itself; use WithSnapshot(\"\")"))
	}
	if h.scope.Version != "" && op.Scope&wire.Version == 0 {
		return h.refuse(op, errors.New("a version cannot be changed, and this would act on the current one; use WithVersion(\"\")"))
	}
	if t := typeOf(op); h.only != "" && t != "" && t != h.only {
		return h.refuseAs(op, InvalidBlobType, fmt.Errorf("the client is that of a %s, and this is for a %s, which would take its place; use the handle that the client was made of", h.only, t))
	}
	if h.key.key != nil {
		if h.encryptionScope != "" {
			return h.refuse(op, errKeyAndScope)
		}
		if !strings.HasPrefix(h.service, "https:") {
			return h.refuse(op, errors.New("a customer key needs an https endpoint"))
		}
	}
	for _, part := range parts {
		if err := checkGroups(part); err != nil {
			return h.refuse(op, err)
		}
	}
	return nil
}

// typeOf is the type of the blobs that an operation is for, or makes; empty if it
// is for all of them.
func typeOf(op *wire.Operation) BlobType {
	if op.ID == rest.CopyBlobFromURL.ID {
		return BlockBlob
	}
	switch t, _, _ := strings.Cut(op.ID, "_"); t {
	case string(BlockBlob), string(AppendBlob), string(PageBlob):
		return BlobType(t)
	}
	return ""
}

// checkAll is check for calls that have something to do before they send the
// parts, such as to read their content: it encodes them as well, and throws that
// away.
func (h *handle) checkAll(ctx context.Context, op *wire.Operation, parts ...any) error {
	if err := h.check(ctx, op, parts...); err != nil {
		return err
	}
	for _, part := range parts {
		if err := wire.Check(part); err != nil {
			return h.refuse(op, err)
		}
	}
	return nil
}

// checker is a group of options that can be wrong as a whole, or options that do
// not go together.
type checker interface{ check() error }

var (
	checkerType = reflect.TypeFor[checker]()
	timeType    = reflect.TypeFor[time.Time]()
	groups      sync.Map // reflect.Type to [][]int: see groupsOf
)

// groupsOf are the places of all checkers in a struct, itself included. They are
// looked for once.
func groupsOf(t reflect.Type) [][]int {
	if known, ok := groups.Load(t); ok {
		return known.([][]int)
	}
	var all [][]int
	var look func(t reflect.Type, at []int)
	look = func(t reflect.Type, at []int) {
		if reflect.PointerTo(t).Implements(checkerType) {
			all = append(all, at)
		}
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && f.Type.Kind() == reflect.Struct && f.Type != timeType {
				look(f.Type, append(slices.Clone(at), i))
			}
		}
	}
	look(t, nil)
	groups.Store(t, all)
	return all
}

// checkGroups has every checker of a part look at itself, and the options that
// all calls have.
func checkGroups(part any) error {
	if isNil(part) {
		return nil
	}
	if o, ok := part.(interface{ callOptions() *CallOptions }); ok {
		if err := o.callOptions().checkCall(); err != nil {
			return err
		}
	}
	v := reflect.ValueOf(part)
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	all := groupsOf(t)
	if len(all) == 0 {
		return nil
	}
	if v.Kind() != reflect.Pointer {
		own := reflect.New(t)
		own.Elem().Set(v)
		v = own
	}
	for _, at := range all {
		if err := v.Elem().FieldByIndex(at).Addr().Interface().(checker).check(); err != nil {
			return err
		}
	}
	return nil
}

// refuse makes the error of a call that was not sent. It has a code if err is one
// that the service would answer with.
func (h *handle) refuse(op *wire.Operation, err error) *Error {
	e := h.errorOf(op, invalidError{err})
	if known, ok := errors.AsType[*wire.Refusal](err); ok {
		e.Code = ErrorCode(known.Code)
	}
	return e
}

// refuseAs is refuse with the code that the service would answer with.
func (h *handle) refuseAs(op *wire.Operation, code ErrorCode, err error) error {
	return h.refuse(op, coded(code, err))
}

// coded gives bad input the code that the service would answer with.
func coded(code ErrorCode, err error) error { return &wire.Refusal{Code: string(code), Err: err} }

// invalidError marks bad input: errors.Is(err, fs.ErrInvalid).
type invalidError struct{ error }

func (e invalidError) Is(target error) bool { return target == fs.ErrInvalid }
func (e invalidError) Unwrap() error        { return e.error }

// invalidf makes the error of bad input outside of a REST call.
func invalidf(format string, args ...any) error {
	err := fmt.Errorf("azureblob: "+format, args...)
	if text := err.Error(); pipeline.Redact(text) != text {
		err = errors.New(pipeline.Redact(text)) // a name can be a whole URL by mistake
	}
	return invalidError{err}
}
