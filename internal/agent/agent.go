package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Options say what to watch and where to tell it.
type Options struct {
	Clock trailhouse.Clock
	// Host is what is known of the machine, see Look.
	Host Host
	// LogPath is the log of nitro-cli, empty for none. It need not be there yet.
	LogPath string
	// NitroCLI is the program, and Heartbeat how often it is asked; Timeout is how long an
	// answer may take.
	NitroCLI           string
	Heartbeat, Timeout time.Duration
	// PositionPath is the file that keeps how far the log was copied.
	PositionPath string
	// Say takes what an operator should know, as a sentence.
	Say func(text string)
	// Version is that of the program.
	Version string
}

// Sink keeps lines for good.
type Sink interface {
	// Write keeps the lines, or none of them where it returns an error.
	Write(lines []Line) error
	// Room reports whether lines that can wait in the log may come.
	Room() bool
	// Close ends it. Lines that were kept stay so.
	Close() error
}

// Line is one line on its way.
type Line struct {
	Time time.Time
	Text []byte // without a line end
}

// poll is how often the log is looked at.
const poll = 250 * time.Millisecond

// maxReads is how often the log is read at one look, so that one of gigabytes keeps nothing
// else waiting.
const maxReads = 32

// maxWaiting bounds the agent's own lines that wait for a sink that fails. Lines of the
// log wait in the log.
const maxWaiting = 1000

// Agent is one run.
type Agent struct {
	options Options
	sink    Sink
	tail    *tail
	watch   *watcher
	metrics *Metrics
	logBad  news
	saveBad news
	ends    map[string]string // how an enclave ended by the log, by slot, until that is told

	pid, seq int64
	waiting  []Line
	lost     int64
	sinkBad  bool

	asking  bool // nitro-cli is running
	again   bool // and is to run again at once
	asked   time.Time
	stuck   bool // and does not end when it is killed
	answers chan answer
	gone    []gone // ends to be told once nitro-cli has answered
	askAt   time.Time
	sockets string // the names of the sockets at the last look
}

// New returns an agent.
func New(o Options, pid int) *Agent {
	a := &Agent{options: o, pid: int64(pid), answers: make(chan answer, 1), metrics: newMetrics(), ends: map[string]string{}}
	a.tail = newTail(o.LogPath)
	return a
}

// SetSink sets where lines go, before Run.
func (a *Agent) SetSink(s Sink) { a.sink = s }

// Metrics returns the series of the run.
func (a *Agent) Metrics() *Metrics { return a.metrics }

// Run watches until the context ends. Its error is only that of closing the sink.
func (a *Agent) Run(ctx context.Context) error {
	a.watch = newWatcher(ctx, a.options.Clock)
	defer a.watch.close()
	loaded := a.tail.load(a.options.PositionPath)
	a.own(trailhouse.AgentLine{Event: trailhouse.AgentStarted, Text: fmt.Sprintf(
		"trailhouse %s watches %s and asks %s every %s", a.options.Version, a.options.LogPath, a.options.NitroCLI, a.options.Heartbeat)})
	if loaded != nil {
		a.metrics.errorOf("log")
		a.failed(loaded.Error())
	}
	beat := time.NewTicker(a.options.Heartbeat)
	defer beat.Stop()
	look := time.NewTicker(poll)
	defer look.Stop()
	a.copyLog()
	a.socketsChanged()
	a.ask(ctx)
	for {
		select {
		case <-ctx.Done():
			return a.stop()
		case <-beat.C:
			a.copyLog()
			a.ask(ctx)
		case <-look.C:
			started := a.copyLog()
			if a.socketsChanged() && a.askAt.IsZero() {
				a.askAt = a.options.Clock.Now().Add(askBehindSocket)
			}
			if a.due() || started {
				a.ask(ctx)
			}
			a.watch.sweep(a.options.Clock.Now())
		case got := <-a.answers:
			a.answered(ctx, got)
		case g := <-a.watch.gone:
			a.gone = append(a.gone, g)
			a.ask(ctx)
		}
	}
}

// stop tells what is left to tell and that the agent ends, which no enclave does.
func (a *Agent) stop() error {
	a.copyLog()
	for more := true; more; {
		select {
		case g := <-a.watch.gone:
			a.gone = append(a.gone, g)
		default:
			more = false
		}
	}
	a.tellGone(answer{err: errors.New("not asked")})
	a.own(trailhouse.AgentLine{Event: trailhouse.AgentStopped, Text: "asked to end; enclaves are watched no more"})
	return a.sink.Close()
}

// ask runs nitro-cli, or once more where it runs.
func (a *Agent) ask(ctx context.Context) {
	if a.asking {
		a.again = true
		return
	}
	a.asking, a.again, a.asked, a.askAt = true, false, a.options.Clock.Now(), time.Time{}
	go func() { a.answers <- describe(ctx, a.options.NitroCLI, a.options.Timeout) }()
}

// answered tells what nitro-cli said.
func (a *Agent) answered(ctx context.Context, got answer) {
	a.asking, a.stuck = false, false
	if ctx.Err() != nil {
		return
	}
	a.copyLog() // lines that were written before the answer come before it
	a.tellGone(got)
	a.doubt(got.enclaves)
	// What is listed is true of an instant since the question. As with every broadcast, that
	// of the question stands for it (facts/nitro.md 2.10, convention 1).
	line := trailhouse.AgentLine{Event: trailhouse.AgentHeartbeat, Time: a.asked, Enclaves: got.enclaves, Complete: got.err == nil}
	if got.err != nil {
		line.Event, line.Text = trailhouse.AgentFailed, got.err.Error()
		a.metrics.errorOf("nitro_cli")
		a.options.Say(got.err.Error())
	} else {
		a.metrics.beat(a.asked, got.enclaves, a.options.Host.pool())
	}
	a.own(line)
	for _, e := range got.enclaves {
		if e.State != trailhouse.AgentRunning || e.PID <= 0 {
			continue
		}
		if err := a.watch.add(e, a.asked); err != nil {
			a.metrics.errorOf("watch")
			a.failed(fmt.Sprintf("process %d of %s cannot be watched, so that lists alone tell its end: %v", e.PID, e.EnclaveID, err))
		}
	}
	if got.err == nil {
		a.watch.keep(got.enclaves, a.asked)
	}
	if a.again {
		a.ask(ctx)
	}
}

// failed tells something that could not be done.
func (a *Agent) failed(text string) {
	a.options.Say(text)
	a.own(trailhouse.AgentLine{Event: trailhouse.AgentFailed, Text: text})
}

// line writes a line down. Times are whole milliseconds.
func (a *Agent) line(l trailhouse.AgentLine) Line {
	if l.Time.IsZero() {
		l.Time = a.options.Clock.Now()
	}
	a.seq++
	l.Format, l.PID, l.Seq, l.Lost = 1, a.pid, a.seq, a.lost+a.metrics.dropped()
	l.Time, l.AliveAt = l.Time.UTC().Truncate(time.Millisecond), l.AliveAt.UTC().Truncate(time.Millisecond)
	l.Instance, l.BootID, l.Booted, l.Scope = a.options.Host.Instance, a.options.Host.BootID, a.options.Host.Booted, a.options.Host.scope()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(l); err != nil {
		panic("BUG: a line of the agent is no JSON: " + err.Error())
	}
	return Line{Time: l.Time, Text: bytes.TrimSuffix(b.Bytes(), []byte("\n"))}
}

// own writes one of the agent's own lines, with those that wait.
func (a *Agent) own(l trailhouse.AgentLine) {
	if len(a.waiting) == maxWaiting {
		a.waiting = append(a.waiting[:0], a.waiting[1:]...)
		a.lost++
	}
	a.waiting = append(a.waiting, a.line(l))
	if a.write(a.waiting) {
		a.waiting = a.waiting[:0]
	}
}

// write gives lines to the sink, and says where that begins and ceases to fail.
func (a *Agent) write(lines []Line) bool {
	err := a.sink.Write(lines)
	if err != nil {
		a.metrics.errorOf("write")
	}
	if (err != nil) != a.sinkBad {
		a.sinkBad = err != nil
		if err != nil {
			a.options.Say("lines cannot be written and wait: " + err.Error())
		} else {
			a.options.Say("lines can be written again")
		}
	}
	return err == nil
}

// copyLog copies what came to the log and reports whether an enclave started: it is time
// to ask then.
func (a *Agent) copyLog() (started bool) {
	if a.sinkBad && len(a.waiting) > 0 && a.write(a.waiting) {
		a.waiting = a.waiting[:0]
	}
	defer a.savePosition()
	for range maxReads {
		if a.options.LogPath == "" || !a.sink.Room() {
			return started
		}
		records, err := a.tail.next()
		a.tellNotes()
		if err != nil && a.logBad.begins(err) {
			a.metrics.errorOf("log")
			a.failed(err.Error())
		}
		if len(records) == 0 {
			if err == nil {
				a.logBad.over()
			}
			return started
		}
		lines := make([]Line, len(records))
		for i := range records {
			lines[i] = a.line(records[i].line())
		}
		if !a.write(lines) {
			a.tail.back()
			return started
		}
		for i := range records {
			started = a.read(records[i].text) || started
		}
		a.metrics.copied(len(records))
	}
	return started
}

// tellNotes tells what the copying of the log had to leave out.
func (a *Agent) tellNotes() {
	for _, text := range a.tail.notes {
		a.metrics.errorOf("log")
		a.failed(text)
	}
	a.tail.notes = nil
}

// savePosition keeps how far the log was copied.
func (a *Agent) savePosition() {
	err := a.tail.save(a.options.PositionPath)
	switch {
	case err == nil:
		a.saveBad.over()
	case a.saveBad.begins(err):
		a.metrics.errorOf("position")
		a.options.Say(err.Error())
	}
}

// news tells the beginning of a failure from its going on.
type news struct{ text string }

// begins reports whether the failure is another one than the last.
func (n *news) begins(err error) bool {
	was := n.text
	n.text = err.Error()
	return was != n.text
}

func (n *news) over() { n.text = "" }
