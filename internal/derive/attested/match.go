package attested

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/trailhouse/trailhouse"
)

// How a call and the lives of its enclave stand to each other: values of the column
// session_match. It is null for a NitroTPM, which is no enclave.
const (
	// Within is a call during the proven life.
	Within = "within"
	// Uncertain is a call after the last proof of life and before the earliest proof
	// that the enclave was gone.
	Uncertain = "uncertain"
	// Presumed is a call after the last proof of life of an enclave that nothing proves
	// to be gone.
	Presumed = "presumed"
	// Outside is a call of a slot that the host's log knows, at an instant at which it
	// was not alive.
	Outside = "outside"
	// NoSession is a call of a slot that the host's log never showed.
	NoSession = "no-session"
	// NoLog is a call from a host without any log.
	NoLog = "no-log"
)

// Life is one session as far as calls are concerned. Times are microseconds since 1970
// UTC.
type Life struct {
	// SessionID is its id in enclave_sessions.
	SessionID string
	// From is the earliest known of its attempt, reservation and start: an enclave may
	// call while it boots.
	From int64
	// NotBefore is the last proof of life, NotAfter the earliest proof that it was gone,
	// which is only known where Gone is true.
	NotBefore, NotAfter int64
	Gone                bool
}

// second is one second in microseconds.
const second = 1_000_000

// match returns how a call in the second that begins at t stands to the life.
func (l *Life) match(t int64) string {
	switch {
	case t+second <= l.From:
		return Outside
	case t <= l.NotBefore:
		return Within
	case !l.Gone:
		return Presumed
	case t < l.NotAfter:
		return Uncertain
	}
	return Outside
}

// rank orders matches by how much they say.
func rank(match string) int {
	switch match {
	case Within:
		return 3
	case Uncertain:
		return 2
	case Presumed:
		return 1
	}
	return 0
}

// Lives are the sessions of all hosts, for calls to be matched with.
type Lives struct {
	bySlot map[string][]Life   // by instance and slot key
	logged map[string]struct{} // instances with a log
	sorted bool

	key, other []byte // of the slot asked last, and a buffer
	last       []Life // its lives
}

// NewLives returns lives without any.
func NewLives() *Lives {
	return &Lives{bySlot: map[string][]Life{}, logged: map[string]struct{}{}}
}

// AddHost notes that there is a log of the host.
func (l *Lives) AddHost(instance []byte) {
	if _, known := l.logged[string(instance)]; !known {
		l.logged[string(instance)] = struct{}{}
	}
}

// SessionColumns are the columns of enclave_sessions that AddSessions reads.
func SessionColumns() []string {
	return []string{"session_id", "instance_id", "slot_key", "attempt", "reserved", "started", "stop_not_before", "stop_not_after"}
}

// AddSessions adds the rows of a batch of enclave_sessions.
func (l *Lives) AddSessions(b *trailhouse.Batch) {
	names := SessionColumns()
	c := make([]int, len(names))
	for i, name := range names {
		c[i] = b.Table.MustIndex(name)
	}
	for i := range b.Len() {
		life := Life{SessionID: b.String(c[0], i), From: b.Int(c[5], i), NotBefore: b.Int(c[6], i), NotAfter: b.Int(c[7], i), Gone: !b.IsNull(c[7], i)}
		for _, col := range [...]int{c[3], c[4]} {
			if !b.IsNull(col, i) {
				life.From = min(life.From, b.Int(col, i))
			}
		}
		l.AddHost(b.Text(c[1], i))
		key := string(slotOf(nil, b.Text(c[1], i), b.Text(c[2], i)))
		l.bySlot[key] = append(l.bySlot[key], life)
	}
	l.sorted = false
}

// slotOf appends the key of a slot of a host. No id holds a NUL.
func slotOf(dst, instance, slot []byte) []byte {
	dst = append(append(dst[:0], instance...), 0)
	return append(dst, slot...)
}

// sort orders the lives of each slot by their begin.
func (l *Lives) sort() {
	for _, lives := range l.bySlot {
		slices.SortFunc(lives, func(a, b Life) int {
			return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.NotBefore, b.NotBefore), cmp.Compare(a.SessionID, b.SessionID))
		})
	}
	l.sorted, l.key, l.last = true, l.key[:0], nil
}

// Match returns the session of a call and how the two stand to each other. kind is that
// of the attestation document, slot the slot key, t the call's time in microseconds.
// Both answers are empty where the document is not an enclave's.
func (l *Lives) Match(kind, instance, slot []byte, t int64) (session, match string) {
	if string(kind) != Enclave {
		return "", ""
	}
	if !l.sorted {
		l.sort()
	}
	if l.other = slotOf(l.other, instance, slot); !bytes.Equal(l.other, l.key) {
		l.key, l.other = l.other, l.key
		l.last = l.bySlot[string(l.key)]
	}
	if len(l.last) == 0 {
		if _, logged := l.logged[string(instance)]; logged {
			return "", NoSession
		}
		return "", NoLog
	}
	best := &l.last[0]
	match = best.match(t)
	for i := range l.last[1:] {
		life := &l.last[i+1]
		if life.From >= t+second {
			break
		}
		// The later of two that say the same is the nearer one.
		if m := life.match(t); rank(m) >= rank(match) {
			best, match = life, m
		}
	}
	return best.SessionID, match
}

// Join gives each row of b its session. b has the columns of JoinTable and was read from
// files of attested_calls, which lack session_id, session_match and group_key.
func (l *Lives) Join(b *trailhouse.Batch) {
	t := b.Table
	kind, instance, slot, at := t.MustIndex("kind"), t.MustIndex("instance_id"), t.MustIndex("slot_key"), t.MustIndex("eventtime")
	session, match := t.MustIndex("session_id"), t.MustIndex("session_match")
	rows := b.Len()
	for i := range rows {
		id, how := l.Match(b.Text(kind, i), b.Text(instance, i), b.Text(slot, i), b.Int(at, i))
		b.SetLen(i)
		set(b, session, id)
		set(b, match, how)
	}
	b.SetLen(rows)
}
