package sessions

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Sign is evidence about one enclave, or about the whole host, that does not come from
// the host's log: an attested call, the end of the instance, a watcher on the host.
// Signs narrow the bounds of lives that the log shows; they never contradict an end
// that the log prints, and they make no life of their own.
type Sign struct {
	// SlotKey is the slot in the form of trailhouse.Slot.Key, empty for what tells of the
	// whole host.
	SlotKey string
	// At is when it was. Trails print whole seconds: a call or the end of a host was in
	// the second that begins there.
	At   time.Time
	Kind SignKind
	// Why says what was seen, without the time: "Attested Decrypt by …".
	Why string
	// PCR0 and PCR8 are measurements as lower-case hex, of SignAlive; empty where unknown.
	PCR0, PCR8 string
	// VCPUs and MemoryMiB are what the enclave has, of SignAlive; 0 where unknown. They
	// fill what the log lacks.
	VCPUs, MemoryMiB int64
	// Name and Debug are the same; empty and nil where unknown.
	Name  string
	Debug *bool
	// Final says, of SignHostGone, that the host never comes back: it was terminated.
	Final bool
	// FromHost says that the host itself tells it, in the log of its agent.
	FromHost bool
}

// SignKind says what a sign means.
type SignKind uint8

// The kinds of signs.
const (
	// SignAlive is a proof of life.
	SignAlive SignKind = iota + 1
	// SignGone is a proof that the enclave was gone: a listing without it.
	SignGone
	// SignEnded is the end itself: its process was seen to go. It is the last proof of
	// life too.
	SignEnded
	// SignHostGone is the end of the instance, and of all its enclaves, as a trail tells
	// it: the instant at which it was told to end. It shuts down from then on.
	SignHostGone
	// SignBooted is a boot of the host: what ran before is gone.
	SignBooted
)

// until returns the first instant behind the sign: a trail tells the second, the host the
// instant.
func (s *Sign) until() int64 {
	if s.FromHost {
		return s.At.UnixMicro() + 1
	}
	return s.At.UnixMicro() + second
}

// signs are the signs of a host, in order of time.
type signs struct {
	bySlot       map[string][]Sign
	ended, boots []Sign // of the host
}

// sortSigns orders signs so that the order in which they came leaves no trace.
func sortSigns(all []Sign) signs {
	s := signs{bySlot: map[string][]Sign{}}
	for _, sign := range all {
		switch sign.Kind {
		case SignHostGone:
			s.ended = append(s.ended, sign)
		case SignBooted:
			s.boots = append(s.boots, sign)
		default:
			s.bySlot[sign.SlotKey] = append(s.bySlot[sign.SlotKey], sign)
		}
	}
	slices.SortFunc(s.ended, compareSigns)
	slices.SortFunc(s.boots, compareSigns)
	for _, list := range s.bySlot {
		slices.SortFunc(list, compareSigns)
	}
	return s
}

func compareSigns(a, b Sign) int {
	return cmp.Or(
		a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Why, b.Why), compareBool(a.Final, b.Final),
		cmp.Compare(a.PCR0, b.PCR0), cmp.Compare(a.PCR8, b.PCR8),
		cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.MemoryMiB, b.MemoryMiB),
	)
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// giveSigns gives each sign of a slot to the life that it tells of: the latest that had
// begun, else the first. It follows joinLives, so that begins are known.
func (d *derivation) giveSigns() {
	all := sortSigns(d.in.Signs)
	d.hostGone, d.boots = all.ended, all.boots
	for key, lives := range d.bySlot {
		list := all.bySlot[d.store.keys[key]]
		if len(list) == 0 {
			continue
		}
		d.backdate(lives[0], list)
		for _, sign := range list {
			at := len(lives) - 1
			for at > 0 && lives[at].from() >= sign.until() {
				at--
			}
			lives[at].signs = append(lives[at].signs, sign)
		}
	}
}

// from returns when the enclave may first have lived: it can call while it boots.
func (l *life) from() int64 {
	from := l.begin
	if l.start != nil {
		from = min(from, l.start.at())
		if l.start.has(KindReserved) {
			from = min(from, l.start.reserved)
		}
	}
	return from
}

// began reports whether the log shows how the life began.
func (l *life) began() bool {
	return l.start != nil && (l.start.ready != nil || l.start.has(KindAttempt))
}

// backdate lets the first life of a slot begin with its first proof of life where the
// log lost the beginning. The creation that the slot tells bounds it (facts/nitro.md
// 2.6).
func (d *derivation) backdate(l *life, list []Sign) {
	if l.began() {
		return
	}
	for _, sign := range list {
		t := sign.At.UnixMicro()
		if sign.Kind != SignAlive || t >= l.begin {
			continue
		}
		if made, ok := created(trailhouse.Slot(d.store.slots[l.slot].text)); !ok || t >= made-clockSlack {
			l.begin = t
			return
		}
	}
}

// endSlack is how far behind the printed end of an enclave a call of its own may be
// told: a trail's second reaches beyond it.
const endSlack = second

// shutdown is how long a host may still live once it was told to stop or to terminate:
// the system has a few minutes to shut down, then EC2 turns the instance off.
const shutdown = 10 * 60 * second

// never and forever are instants before and behind all others.
const never, forever = math.MinInt64, math.MaxInt64

// applySigns returns the last proof of life that the log and the signs give, and the
// words for it, given the log's own and the earliest instant at which the log shows the
// enclave gone (none is 0). The log's upper bound stands: a call behind it is a finding
// for people, not more time to bill. So is a call behind calls. What the host itself
// tells counts whenever it was.
func (l *life) applySigns(lower, upper, calls int64) (at int64, why string) {
	at = lower
	for i := range l.signs {
		s := &l.signs[i]
		if s.Kind != SignAlive && s.Kind != SignEnded {
			continue
		}
		t := s.At.UnixMicro()
		if t > at && (upper == 0 || t <= upper) && (s.FromHost || t <= calls) {
			at, why = t, told(s.Why, t)
		}
	}
	return at, why
}

// hostEnd returns the end of the host that ended the life too, nil for none, and the
// last instant at which a call may still be its own. own is the last proof of life that
// the host itself gives. No enclave outlives a stop of its host, and none has its slot
// again, which holds its time: a later proof of life is of the time until the host was
// down. A life that began behind the end of its host is of another boot, for all that is
// known: a host that was stopped can be back within a minute. One that was terminated
// cannot, so that what begins while it shuts down ends with it. Of several ends the first counts, but for one after which the host spoke longer
// than it can take to shut down, as where a stop hung and was asked for again. Where all
// are such, the last counts.
func (d *derivation) hostEnd(l *life, own int64) (end *Sign, calls int64) {
	from := l.from()
	early := from // where the log lacks the beginning, the slot tells it
	if made, ok := created(trailhouse.Slot(d.store.slots[l.slot].text)); ok && l == d.bySlot[l.key][0] && !l.began() {
		early = min(from, made)
	}
	for i := range d.hostGone {
		s := &d.hostGone[i]
		t := s.At.UnixMicro() + second // the trail cuts off the rest of the second
		behind := t <= from && t <= early
		if behind && !(s.Final && own <= t+shutdown) || t <= from && from > t+shutdown {
			continue
		}
		end, calls = s, t+shutdown
		if own <= calls {
			break
		}
	}
	if end == nil {
		return nil, forever
	}
	return end, calls
}

// bySigns adds the first sign, not before the last proof of life, that the enclave was
// gone, and the first boot of its host, which is known to the second.
func (d *derivation) bySigns(l *life, lower int64, add addBound) {
	first := func(list []Sign, from int64) {
		for i := range list {
			s := &list[i]
			if t := s.At.UnixMicro(); s.Kind != SignAlive && t >= from {
				add(max(t, lower), func() string { return told(s.Why, t) })
				return
			}
		}
	}
	first(l.signs, lower)
	first(d.boots, lower-lower%second)
	d.byListings(l, lower, add)
}

// measure sets what the signs of a life tell of the enclave itself: the measurements of
// the latest that has any, and the resources that the log does not show.
func (l *life) measure(s *Session) {
	for i := range l.signs {
		sign := &l.signs[i]
		if sign.Kind != SignAlive || !s.Stop.IsZero() && sign.At.UnixMicro() > s.Stop.UnixMicro()+endSlack {
			continue
		}
		if sign.PCR0 != "" {
			s.PCR0 = sign.PCR0
		}
		if sign.PCR8 != "" {
			s.PCR8 = sign.PCR8
		}
		if sign.VCPUs > 0 && s.Request.VCPUs == nil {
			s.Request.VCPUs = &sign.VCPUs
		}
		if sign.Name != "" && s.Request.Name == nil {
			s.Request.Name = &sign.Name
		}
		if sign.Debug != nil && s.Request.Debug == nil {
			s.Request.Debug = sign.Debug
		}
		if sign.MemoryMiB > 0 && s.Request.MemoryMiB == nil {
			s.Request.MemoryMiB = &sign.MemoryMiB
		}
	}
}
