package trailhouse

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an Error is. It is mapped once to a process
// exit code (internal/cli) and, later, once to an HTTP status.
type Code string

// The codes of Error.
const (
	// CodeInternal is our own mistake or an unclassified failure; it is the code
	// of every error that carries none.
	CodeInternal Code = "internal"
	// CodeUsage is a wrong command line or configuration.
	CodeUsage Code = "usage"
	// CodeInvalid is input that cannot be read as what it claims to be.
	CodeInvalid Code = "invalid"
	// CodeDamaged is evidence that was whole once: a bad CRC, a cut record.
	CodeDamaged Code = "damaged"
	// CodeNotFound is a file, report, table or enclave that is not there.
	CodeNotFound Code = "not_found"
	// CodeDenied is evidence that exists and may not be read.
	CodeDenied Code = "denied"
	// CodeCredentials is a caller whom a service does not know or no longer knows:
	// nothing of it can be read, so it stops a run where CodeDenied misses one unit.
	CodeCredentials Code = "credentials"
	// CodeUnavailable is a service that gave no answer, or asked to come later, however
	// often it was asked.
	CodeUnavailable Code = "unavailable"
	// CodeUncertain is a request that was sent whole and whose answer was lost: it may have
	// been carried out, so that another one may do it twice.
	CodeUncertain Code = "uncertain"
	// CodeLimit is a limit on size, time, rows or bytes that was reached.
	CodeLimit Code = "limit"
	// CodeLocked is state that another process holds.
	CodeLocked Code = "locked"
	// CodeNewer is state written by a newer Trailhouse.
	CodeNewer Code = "newer"
	// CodeConflict is a write that lost against another writer or whose outcome
	// is unknown. The writer looks its batch id up before it tries again.
	CodeConflict Code = "conflict"
	// CodeStorage is a full disk, a failed fsync or another fault of the machine.
	CodeStorage Code = "storage"
	// CodePartial is work that was done but for a named part: quarantined records
	// or missing coverage.
	CodePartial Code = "partial"
	// CodeInterrupted is work that was stopped by the user and can be resumed.
	CodeInterrupted Code = "interrupted"
)

// Error is the one error type of Trailhouse. Text is for the user and says what
// happened, to which account, file or line. Hint says what to do next. Err is
// the cause, for the operator's log.
type Error struct {
	Code Code
	Text string
	Hint string
	Err  error
}

// Error returns the text for the user and, behind it, the cause where the text
// does not hold it already.
func (e *Error) Error() string {
	if _, told := e.Err.(told); told || e.Err == nil { //nolint:errorlint // only the direct cause is in this text
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error with a code and a text. A %w among the arguments
// becomes the cause that errors.Is and errors.As see.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	e := &Error{Code: code, Text: err.Error()}
	if cause := errors.Unwrap(err); cause != nil {
		e.Err = told{cause}
	}
	return e
}

// WithHint returns e with a hint that says what to do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal where
// there is none, and the empty code for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// HintOf returns the first hint in err's chain, or the empty string.
func HintOf(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}

// told is a cause whose words are already part of Error.Text.
type told struct{ error }

func (t told) Unwrap() error { return t.error }
