package trail

import (
	"fmt"

	"github.com/trailhouse/trailhouse/internal/demo/trail/document"
)

// afterTheEnd lets two enclaves call long after the end that their log prints.
func (s *script) afterTheEnd(hosts map[string]hosted) {
	n := 0
	for _, e := range s.o.Sessions {
		h, ok := hosts[e.InstanceID]
		at := e.To.Unix() + 3*hour
		if n == 2 || !ok || !e.Ended || e.Debug || e.Silent || at >= s.o.To.Unix() {
			continue
		}
		n++
		a := s.of(e, h)
		a.match = MatchOutside
		for range n {
			s.attestTo(at, a, "Decrypt", "")
			at += 40
		}
	}
}

// notInTheLog lets an enclave call that its host's log never shows.
func (s *script) notInTheLog(hosts map[string]hosted) {
	if len(s.o.Hosts) == 0 || len(s.o.Sessions) == 0 {
		return
	}
	instance := s.o.Hosts[0].InstanceID
	h, at := hosts[instance], s.sometime()
	a := attestation{
		Document: document.Document{Instance: instance, Slot: fmt.Sprintf("%x", (at*1000)<<16|int64(s.below(1<<16))), Image: UnloggedImage},
		cell:     h.cell, sender: h.sender, from: instance, key: s.keyOf(h.cell, ""), match: MatchNoSession,
	}
	for n := range int64(3) {
		s.attestTo(at+minute+11*n, a, "Decrypt", "")
	}
}

// ordinary calls fn with sessions that can call within their life, until it is done.
func (s *script) ordinary(hosts map[string]hosted, fn func(Session, hosted) (done bool)) {
	for _, e := range s.o.Sessions {
		h, ok := hosts[e.InstanceID]
		if ok && !e.Silent && !e.Debug && e.Client != "" && e.To.Unix()-ceil(e.From) > minute && fn(e, h) {
			return
		}
	}
}

// sharedKey lets an enclave use the key of another client in its account, who uses it
// too.
func (s *script) sharedKey(hosts map[string]hosted) {
	owners := map[string]Session{} // by account, the first that came
	s.ordinary(hosts, func(e Session, h hosted) bool {
		owner, known := owners[h.cell.account]
		if !known {
			owners[h.cell.account] = e
		}
		if !known || owner.Client == e.Client {
			return false
		}
		s.attestTo(ceil(owner.From)+1, s.of(owner, hosts[owner.InstanceID]), "GenerateDataKey", "")
		a := s.of(e, h)
		a.key = s.keyOf(h.cell, owner.Client)
		s.attestTo(ceil(e.From)+2, a, "Decrypt", "")
		return true
	})
}

// refused lets calls of two enclaves fail.
func (s *script) refused(hosts map[string]hosted) {
	n := 0
	s.ordinary(hosts, func(e Session, h hosted) bool {
		n++
		if n == 3 {
			for i, code := range []string{"AccessDenied", "AccessDenied", "DisabledException"} {
				s.attestTo(ceil(e.From)+int64(3+i), s.of(e, h), "Decrypt", code)
			}
		}
		if n == 7 {
			s.attestTo(ceil(e.From)+3, s.of(e, h), "GenerateDataKey", "InvalidCiphertextException")
		}
		return n == 7
	})
}
