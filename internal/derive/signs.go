package derive

import (
	"context"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

// signStore holds the signs of many hosts in little memory: a host may make a million
// calls.
type signStore struct {
	byHost map[trailhouse.InstanceID][]packedSign
	texts  []string
	ids    map[string]int32
}

// packedSign is a sessions.Sign whose texts are places in the store.
type packedSign struct {
	at                    int64
	slot, why, pcr0, pcr8 int32
	kind                  sessions.SignKind
	final                 bool
}

func newSignStore(wanted hosts) *signStore {
	s := &signStore{byHost: make(map[trailhouse.InstanceID][]packedSign, len(wanted)), ids: map[string]int32{"": 0}, texts: []string{""}}
	for host := range wanted {
		s.byHost[host] = nil
	}
	return s
}

// text returns the place of a text.
func (s *signStore) text(b []byte) int32 {
	id, ok := s.ids[string(b)]
	if !ok {
		id = int32(len(s.texts))
		s.texts = append(s.texts, string(b))
		s.ids[s.texts[id]] = id
	}
	return id
}

// of returns the signs of a host.
func (s *signStore) of(host trailhouse.InstanceID) []sessions.Sign {
	packed := s.byHost[host]
	out := make([]sessions.Sign, len(packed))
	for i, p := range packed {
		out[i] = sessions.Sign{
			SlotKey: s.texts[p.slot], At: time.UnixMicro(p.at).UTC(), Kind: p.kind, Why: s.texts[p.why],
			PCR0: s.texts[p.pcr0], PCR8: s.texts[p.pcr8], Final: p.final,
		}
	}
	return out
}

// signsOf returns what other evidence than their logs says of the hosts' enclaves.
func (j *Job) signsOf(ctx context.Context, wanted hosts) (*signStore, error) {
	s := newSignStore(wanted)
	for _, part := range []struct {
		table *trailhouse.Table
		names []string
		add   func(b *trailhouse.Batch, c []int)
	}{
		{attested.CallTable(), attested.ProofColumns(), s.addCalls},
		{attested.HostEndTable(), []string{"instance_id", "eventtime", "eventname", "principal"}, s.addEnds},
	} {
		files, _, err := j.Lake.Files(ctx, part.table.Name, trailhouse.Period{})
		if err != nil {
			return nil, err
		}
		c := indexes(part.table, part.names)
		err = readAll(ctx, files, part.table, part.names, func(b *trailhouse.Batch) error {
			part.add(b, c)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// addCalls adds the attested calls that prove their enclave alive. c are the places of
// attested.ProofColumns.
func (s *signStore) addCalls(b *trailhouse.Batch, c []int) {
	var why []byte
	for i := range b.Len() {
		host := trailhouse.InstanceID(b.Text(c[0], i))
		signs, wanted := s.byHost[host]
		if !wanted || !attested.Proves(b, c, i) {
			continue
		}
		why = append(why[:0], "Attested "...)
		why = append(why, b.Text(c[3], i)...)
		if by := b.Text(c[4], i); len(by) > 0 {
			why = append(append(why, " by "...), by...)
		}
		s.byHost[host] = append(signs, packedSign{
			at: b.Int(c[2], i), kind: sessions.SignAlive, slot: s.text(b.Text(c[1], i)), why: s.text(why),
			pcr0: s.text(b.Text(c[5], i)), pcr8: s.text(b.Text(c[6], i)),
		})
	}
}

// addEnds adds the ends of hosts. c are the places of instance, time, event and caller.
func (s *signStore) addEnds(b *trailhouse.Batch, c []int) {
	for i := range b.Len() {
		host := trailhouse.InstanceID(b.Text(c[0], i))
		signs, wanted := s.byHost[host]
		if !wanted {
			continue
		}
		why := b.String(c[2], i)
		if by := b.String(c[3], i); by != "" {
			why += " by " + by
		}
		s.byHost[host] = append(signs, packedSign{at: b.Int(c[1], i), kind: sessions.SignHostGone, final: attested.Terminates(b.String(c[2], i)), why: s.text([]byte(why))})
	}
}
