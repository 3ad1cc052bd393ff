package demo

import "strconv"

// journalFile writes the journal of the allocator's service as journalctl prints
// it: without year and zone, in whole seconds.
type journalFile struct {
	part *part
	host string
	last Instant
	text []byte
}

// write writes one line. Its time is cut to whole seconds.
func (j *journalFile) write(at Instant, identifier string, pid int64, message string) {
	at -= at % second
	j.last = max(j.last, at)
	j.part.last = j.last
	j.part.counts.Journal++
	b := at.Time().AppendFormat(j.text[:0], "Jan 02 15:04:05 ")
	b = append(b, j.host...)
	b = append(b, ' ')
	b = append(b, identifier...)
	b = append(b, '[')
	b = strconv.AppendInt(b, pid, 10)
	b = append(b, "]: "...)
	b = append(b, message...)
	j.text = append(b, '\n')
	j.part.put(j.text)
}
