package sessions

import (
	"bytes"

	"github.com/trailhouse/trailhouse"
)

// Folder folds the lines of one instance and one UTC day to marks. Lines may come
// in any order and repeatedly.
type Folder struct {
	instance trailhouse.InstanceID
	store    store
	span     fact // all lines, those without meaning included
}

// NewFolder returns a folder for one instance and one day.
func NewFolder(instance trailhouse.InstanceID) *Folder {
	return &Folder{instance: instance, store: newStore()}
}

// Reset makes the folder empty and ready for another instance or day. It keeps
// its memory, so that a folder used again allocates next to nothing.
func (f *Folder) Reset(instance trailhouse.InstanceID) {
	f.instance, f.span = instance, fact{}
	f.store.reset()
}

// Add takes one line of the nitro-cli log.
func (f *Folder) Add(l Line) {
	f.see(&l)
	slot, pid, cli, ok := splitLogger(l.Logger)
	switch {
	case starts(l.Logger, trailhouse.AgentLogger):
		f.addAgent(&l)
	case !ok:
		f.addUnnamed(&l)
	case cli:
		f.addCLI(&l, pid)
	case string(slot) == starter:
		f.addStart(&l, pid)
	default:
		f.addAlive(&l, pid, f.store.slot(slot))
	}
}

// see widens the span of the log.
func (f *Folder) see(l *Line) {
	s := &f.span
	if s.kind == 0 {
		*s = fact{micros: l.Micros, until: l.Micros, kind: KindLog, slot: none, text: none, id: l.ID}
		return
	}
	s.until = max(s.until, l.Micros)
	if l.Micros < s.micros || l.Micros == s.micros && bytes.Compare(l.ID[:], s.id[:]) < 0 {
		s.micros, s.id = l.Micros, l.ID
	}
}

func (f *Folder) put(l *Line, kind Kind, pid, slot, text int32) {
	f.store.put(fact{
		micros: l.Micros, until: l.Micros, kind: kind, pid: pid, slot: slot, text: text, lines: 1, id: l.ID,
	})
}

// addUnnamed takes a line without a usable logger id. The id is empty where
// logging failed before it was first set (facts/nitro.md 2.1), and the first line
// of a daemon names its pid itself.
func (f *Folder) addUnnamed(l *Line) {
	if !starts(l.Message, msgAttempt) {
		return
	}
	if pid, ok := parsePID(bytes.TrimSpace(l.Message[len(msgAttempt):])); ok {
		f.put(l, KindAttempt, pid, none, none)
	}
}

func (f *Folder) addCLI(l *Line, pid int32) {
	kind, text := cliKind(l.Level, l.Message)
	switch kind {
	case 0:
	case KindConnected, KindStale:
		if slot := socketSlot(text); slot != nil {
			f.put(l, kind, pid, f.store.slot(slot), none)
		} else {
			f.put(l, kind, pid, none, f.store.text(text))
		}
	default:
		f.put(l, kind, pid, none, f.store.text(text))
	}
}

func (f *Folder) addStart(l *Line, pid int32) {
	f.addSocket(l, pid)
	kind, text := startKind(l.Level, l.Message)
	if kind == KindReady {
		f.addReady(l, pid, text)
		return
	}
	f.put(l, kind, pid, none, f.store.text(text))
}

// addReady takes "Enclave ID = …". Where it names no enclave, it is a line like
// any other.
func (f *Folder) addReady(l *Line, pid int32, id []byte) {
	enclave, ok := trailhouse.ParseEnclaveID(string(id))
	if !ok {
		f.put(l, KindStartLine, pid, none, none)
		return
	}
	f.put(l, KindReady, pid, f.store.slot([]byte(enclave.Slot)), f.store.text(id))
}

func (f *Folder) addAlive(l *Line, pid, slot int32) {
	f.addSocket(l, pid)
	kind, text := aliveKind(l.Message)
	if kind == KindReady {
		f.addReady(l, pid, text)
		return
	}
	f.put(l, kind, pid, slot, f.store.text(text))
}

// addSocket takes what a daemon, instead of nitro-cli, says of a socket: anyone's
// deletion of a stale socket counts.
func (f *Folder) addSocket(l *Line, pid int32) {
	var kind Kind
	var path []byte
	switch {
	case len(l.Message) == 0:
		return
	case l.Message[0] == 'D' && starts(l.Message, msgStale):
		kind, path = KindStale, l.Message[len(msgStale):]
	case l.Message[0] == 'C' && starts(l.Message, msgConnected):
		kind, path = KindConnected, l.Message[len(msgConnected):]
	default:
		return
	}
	if slot := socketSlot(path); slot != nil {
		f.put(l, kind, pid, f.store.slot(slot), f.store.text(l.Logger))
	}
}

// AddAllocator takes one line of the resource allocator's journal.
func (f *Folder) AddAllocator(l AllocatorLine) {
	message := bytes.TrimSpace(l.Message)
	if kind := allocatorKind(message); kind != 0 {
		f.store.put(fact{
			micros: l.Micros, until: l.Micros, kind: kind, slot: none, text: f.store.text(message), lines: 1, id: l.ID,
		})
	}
}

// Marks returns the marks of the day, in order of time. The folder can take more
// lines afterwards.
func (f *Folder) Marks() []Mark {
	f.store.sort()
	return f.marks(compress(&f.store))
}

// all returns every fact of the day as a mark, nothing left out.
func (f *Folder) all() []Mark {
	f.store.sort()
	return f.marks(f.store.facts)
}

func (f *Folder) marks(facts []fact) []Mark {
	marks := make([]Mark, 0, len(facts)+1)
	if f.span.kind != 0 {
		span := f.span
		for i := range f.store.facts {
			if !f.store.facts[i].kind.allocator() {
				span.lines++
			}
		}
		marks = append(marks, f.mark(&span))
	}
	for i := range facts {
		marks = append(marks, f.mark(&facts[i]))
	}
	return marks
}

func (f *Folder) mark(a *fact) Mark {
	m := Mark{
		Instance: f.instance, Micros: a.micros, Until: a.until, Kind: a.kind, PID: int64(a.pid),
		Slot: f.store.slotOf(a), Detail: f.store.textOf(a), Lines: int64(a.lines), Record: a.id,
	}
	switch m.Kind {
	case KindPool:
		m.MemoryMiB, m.VCPUs = poolSize(m.Detail)
	case KindAllocated:
		m.MemoryMiB, _ = allocatedMiB(m.Detail)
	}
	return m
}
