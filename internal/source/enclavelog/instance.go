package enclavelog

import (
	"strings"

	"github.com/trailhouse/trailhouse"
)

// instanceIn returns the last instance id in a path or the name of a stream, or the
// empty id. An id stands free: ami-0123456789abcdef0 is none.
func instanceIn(path string) trailhouse.InstanceID {
	for end := len(path); ; {
		at := strings.LastIndex(path[:end], "i-")
		if at < 0 {
			return ""
		}
		if id := instanceAt(path, at); id != "" {
			return id
		}
		end = at + 1
	}
}

// instanceAt returns the instance id that begins at a place in the path, if any.
func instanceAt(path string, at int) trailhouse.InstanceID {
	if at > 0 && isAlphanumeric(path[at-1]) {
		return ""
	}
	end := at + 2
	for end < len(path) && isAlphanumeric(path[end]) {
		end++
	}
	id := trailhouse.InstanceID(path[at:end])
	if !id.Valid() {
		return ""
	}
	return id
}

func isAlphanumeric(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// instanceOf returns the instance in the record that tells an enclave's id, or the
// empty id (facts/nitro.md 2.3 row 11, 2.6).
func instanceOf(r *Record) trailhouse.InstanceID {
	text, ok := strings.CutPrefix(string(r.Message), enclaveIDText)
	if !ok {
		return ""
	}
	id, ok := trailhouse.ParseEnclaveID(strings.TrimSpace(text))
	if !ok || !id.Instance.Valid() {
		return ""
	}
	return id.Instance
}

const enclaveIDText = "Enclave ID = "
