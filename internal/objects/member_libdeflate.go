//go:build libdeflate

package objects

/*
#cgo LDFLAGS: -l:libdeflate.a
#include <libdeflate.h>
*/
import "C"

import (
	"errors"
	"unsafe"
)

// member inflates with libdeflate.
type member struct{}

// inflate appends the first gzip member of stored to dst and returns how many
// bytes of stored it took. It fails with errShort where the member inflates to more
// than most bytes; there is always room for pad bytes more in what it returns.
//
// It is libdeflate's, linked statically from the system's library: no source of it is
// in this repository.
func (*member) inflate(dst, stored []byte, most int64, pad int) ([]byte, int, error) {
	d := C.libdeflate_alloc_decompressor()
	if d == nil {
		return dst, 0, errors.New("no memory")
	}
	defer C.libdeflate_free_decompressor(d)
	for {
		room := cap(dst) - pad
		var used, made C.size_t
		result := C.libdeflate_gzip_decompress_ex(d, unsafe.Pointer(unsafe.SliceData(stored)), C.size_t(len(stored)),
			unsafe.Pointer(unsafe.SliceData(dst)), C.size_t(room), &used, &made)
		switch {
		case result == C.LIBDEFLATE_SUCCESS && int64(made) <= most:
			return dst[:int(made)], int(used), nil
		case result == C.LIBDEFLATE_SUCCESS || result == C.LIBDEFLATE_INSUFFICIENT_SPACE && int64(room) > most:
			return dst, 0, errShort
		case result != C.LIBDEFLATE_INSUFFICIENT_SPACE:
			return dst, 0, errors.New("bad data")
		}
		dst = make([]byte, 0, min(2*cap(dst), int(most)+1+pad)+pad)
	}
}
