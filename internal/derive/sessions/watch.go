package sessions

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// addAgent takes a line of the host agent: which boot of the host it is, which enclaves
// there are, and whose process went away.
func (f *Folder) addAgent(l *Line) {
	a, ok := trailhouse.ParseAgentLine(l.Message)
	if !ok || a.Event == trailhouse.AgentLog {
		return
	}
	if a.BootID != "" && !a.Booted.IsZero() {
		f.put(l, KindBoot, 0, none, f.store.text([]byte(a.BootID+" "+a.Booted.Format(time.RFC3339))))
	}
	if a.Event == trailhouse.AgentEnded && a.Enclave != nil {
		f.addListed(l, KindProcessGone, a.Enclave, goneText{AliveAt: a.AliveAt, Exact: a.Exact, Text: a.Text})
		return
	}
	slots := []string{a.BootID + "/" + a.Scope}
	for i := range a.Enclaves {
		e := &a.Enclaves[i]
		if id, ok := trailhouse.ParseEnclaveID(e.EnclaveID); ok && e.State != "EMPTY" {
			slots = append(slots, id.Slot.Key())
		}
		if e.State == trailhouse.AgentRunning {
			f.addListed(l, KindListed, e, e)
		}
	}
	if a.Complete {
		slices.Sort(slots[1:])
		f.put(l, KindListing, 0, none, f.store.text([]byte(strings.Join(slots, " "))))
	}
}

// goneText is the detail of KindProcessGone.
type goneText struct {
	AliveAt time.Time `json:"alive_at,omitzero"`
	Exact   bool      `json:"exact,omitempty"`
	Text    string    `json:"text,omitempty"`
}

// addListed puts a fact about one enclave, with its detail as JSON.
func (f *Folder) addListed(l *Line, kind Kind, e *trailhouse.AgentEnclave, detail any) {
	id, ok := trailhouse.ParseEnclaveID(e.EnclaveID)
	text, err := json.Marshal(detail)
	if !ok || err != nil || !isSlot([]byte(id.Slot)) {
		return
	}
	pid := int32(0)
	if e.PID > 0 && e.PID <= 1<<22 {
		pid = int32(e.PID)
	}
	f.put(l, kind, pid, f.store.slot([]byte(id.Slot)), f.store.text(text))
}

// listing is a complete list of the enclaves of one scope, or a run of equal ones.
type listing struct {
	from, until int64
	slots       []string // keys, in order
}

// watch takes what the host agent tells: enclaves that the log does not show become
// lives, the rest signs and listings.
func (d *derivation) watch() {
	booted := map[string]time.Time{}
	d.listings = map[string][]listing{}
	for i := range d.store.facts {
		f := &d.store.facts[i]
		text := d.store.textOf(f)
		switch f.kind {
		case KindBoot:
			id, at, _ := strings.Cut(text, " ")
			if t, err := time.Parse(time.RFC3339, at); err == nil && (booted[id].IsZero() || t.Before(booted[id])) {
				booted[id] = t
			}
		case KindListing:
			slots := strings.Split(text, " ")
			d.listings[slots[0]] = append(d.listings[slots[0]], listing{from: f.micros, until: f.until, slots: slots[1:]})
		case KindListed:
			if f.slot != none {
				d.listed(f, text)
			}
		case KindProcessGone:
			if f.slot != none {
				d.processGone(f, text)
			}
		}
	}
	d.sortLives()
	for _, id := range slices.Sorted(maps.Keys(booted)) {
		d.in.Signs = append(d.in.Signs, Sign{At: booted[id], Kind: SignBooted, Why: "Host booted, by trailhouse-agent"})
	}
}

// listed takes an enclave that nitro-cli described as running.
func (d *derivation) listed(f *fact, text string) {
	var e trailhouse.AgentEnclave
	if json.Unmarshal([]byte(text), &e) != nil {
		return
	}
	key := d.store.key(f)
	if !slices.ContainsFunc(d.bySlot[key], func(l *life) bool { return l.pid == f.pid || l.pid == 0 || f.pid == 0 }) {
		d.addLife(f, f.pid, nil).prove(f.micros, f) // also where its slot has another process by now
	}
	sign := Sign{
		SlotKey: d.store.keys[key], At: instant(f.micros), Kind: SignAlive, Why: "Listed by trailhouse-agent",
		VCPUs: e.VCPUs, MemoryMiB: e.MemoryMiB, Name: e.Name, Debug: &e.Debug, FromHost: true,
	}
	if !e.Debug { // an attestation says zeros there (facts/nitro.md 2.7)
		sign.PCR0, sign.PCR8 = e.PCR0, e.PCR8
	}
	d.in.Signs = append(d.in.Signs, sign)
	if f.until > f.micros {
		sign.At = instant(f.until)
		d.in.Signs = append(d.in.Signs, sign)
	}
}

// processGone takes the end of an enclave's process: the end itself where the kernel told
// it at once, else between the last look and this one.
func (d *derivation) processGone(f *fact, text string) {
	var g goneText
	if json.Unmarshal([]byte(text), &g) != nil {
		return
	}
	sign := Sign{
		SlotKey: d.store.keys[d.store.key(f)], At: instant(f.micros), Kind: SignEnded, FromHost: true,
		Why: "Its process went away, seen by trailhouse-agent",
	}
	if !g.Exact {
		if !g.AliveAt.IsZero() {
			last := sign
			last.At, last.Kind, last.Why = g.AliveAt, SignAlive, "Its process was there, seen by trailhouse-agent"
			d.in.Signs = append(d.in.Signs, last)
		}
		sign.Kind = SignGone
	}
	d.in.Signs = append(d.in.Signs, sign)
}

// byListings adds the first complete list without the enclave that follows the last one
// with it, for each scope in which it was listed.
func (d *derivation) byListings(l *life, lower int64, add addBound) {
	key := d.store.keys[l.key]
	for _, list := range d.listings {
		for i := len(list) - 1; i >= 0; i-- {
			if _, found := slices.BinarySearch(list[i].slots, key); !found {
				continue
			}
			for _, next := range list[i+1:] {
				if next.until >= lower {
					at := next.from
					if at < lower {
						at = next.until
					}
					add(at, func() string { return told("Listed without it by trailhouse-agent", at) })
					break
				}
			}
			break
		}
	}
}

// wentAt reports whether the enclave's process was seen to have gone at that instant.
func (l *life) wentAt(at int64) bool {
	return slices.ContainsFunc(l.signs, func(s Sign) bool {
		return s.FromHost && (s.Kind == SignEnded || s.Kind == SignGone) && s.At.UnixMicro() == at
	})
}

// endedAt reports whether the end of the enclave's process was seen at that instant.
func (l *life) endedAt(at int64) bool {
	return slices.ContainsFunc(l.signs, func(s Sign) bool { return s.Kind == SignEnded && s.At.UnixMicro() == at })
}
