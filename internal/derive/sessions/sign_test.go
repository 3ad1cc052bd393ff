package sessions

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// signLog is the log of an enclave that is ready at 08:00:02 and of which the last line
// but the end is the one at 09:00:00.
func signLog(more ...string) string {
	lines := []string{
		`[enc-xxxxxxx:41][INFO][2025-11-03T08:00:00.000Z][src/x.rs:1] Enclave process PID: 41`,
		`[enc-xxxxxxx:41][INFO][2025-11-03T08:00:01.000Z][src/x.rs:1] Run args = RunEnclavesArgs { eif_path: "a.eif", enclave_cid: None, memory_mib: 512, cpu_ids: None, debug_mode: false, attach_console: false, cpu_count: Some(2), enclave_name: Some("a") }`,
		`[enc-xxxxxxx:41][INFO][2025-11-03T08:00:02.000Z][src/x.rs:1] Enclave ID = ` + string(host) + `-enc19a48bae81e5f1c`,
		`[enc-19a48bae81e5f1c:41][INFO][2025-11-03T09:00:00.500Z][src/x.rs:1] Received command: GetEnclaveCID`,
	}
	return strings.Join(append(lines, more...), "\n") + "\n"
}

func clock(t *testing.T, at string) time.Time {
	t.Helper()
	out, err := time.Parse("15:04:05.999", at)
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2025, 11, 3, out.Hour(), out.Minute(), out.Second(), out.Nanosecond(), time.UTC)
}

const signSlot = "19a48bae81e5f1c"

func alive(t *testing.T, at string) Sign {
	return Sign{SlotKey: signSlot, At: clock(t, at), Kind: SignAlive, Why: "Attested Decrypt by somebody"}
}

func hostGone(t *testing.T, at string) Sign {
	return Sign{At: clock(t, at), Kind: SignHostGone, Why: "StopInstances by somebody"}
}

// bounds writes the end of the only session.
func boundsOf(t *testing.T, log string, signs ...Sign) string {
	t.Helper()
	r := Derive(Input{Instance: host, Marks: fold(parseEvents(t, log), (*Folder).Marks), CompleteThrough: clock(t, "12:00:00"), Signs: signs})
	checkSane(t, r)
	if len(r.Sessions) != 1 {
		t.Fatalf("%d sessions", len(r.Sessions))
	}
	s := r.Sessions[0]
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Format("15:04:05.0")
	}
	return fmt.Sprintf("%s %s [%s %s] %s: %s", s.Reason, at(s.Started), at(s.StopNotBefore), at(s.StopNotAfter), at(s.PresumedUntil), s.Evidence)
}

const (
	stale     = `[nitro-cli:90][INFO][2025-11-03T11:00:00.000Z][src/x.rs:1] Deleting stale socket: /run/nitro_enclaves/19a48bae81e5f1c.sock`
	completed = `[enc-19a48bae81e5f1c:41][INFO][2025-11-03T10:00:00.250Z][src/x.rs:1] Enclave has completed termination.`
)

// TestSigns holds what other evidence does to the end of a session.
func TestSigns(t *testing.T) {
	other := alive(t, "10:30:00")
	other.SlotKey = "19a48bae81e5f1d"
	gone := Sign{SlotKey: signSlot, At: clock(t, "10:15:00"), Kind: SignGone, Why: "Listed without it"}
	ended := Sign{SlotKey: signSlot, At: clock(t, "10:15:00.2"), Kind: SignEnded, Why: "Its process was seen to go"}
	for _, c := range []struct {
		name, log string
		signs     []Sign
		want      string
	}{
		{"none", signLog(), nil, "running 08:00:02.0 [09:00:00.5 -] 12:00:00.0: No end in the log. Last line by enc-19a48bae81e5f1c:41 at 2025-11-03T09:00:00.500Z"},
		{"alive", signLog(), []Sign{alive(t, "10:30:00"), alive(t, "09:30:00"), other}, "running 08:00:02.0 [10:30:00.0 -] 12:00:00.0: No end in the log. Attested Decrypt by somebody at 2025-11-03T10:30:00.000Z"},
		{"alive beyond what the log is complete for", signLog(), []Sign{alive(t, "13:00:00")}, "running 08:00:02.0 [13:00:00.0 -] 13:00:00.0: No end in the log. Attested Decrypt by somebody at 2025-11-03T13:00:00.000Z"},
		{"alive before the last line", signLog(), []Sign{alive(t, "08:30:00")}, "running 08:00:02.0 [09:00:00.5 -] 12:00:00.0: No end in the log. Last line by enc-19a48bae81e5f1c:41 at 2025-11-03T09:00:00.500Z"},
		{"lost", signLog(stale), []Sign{alive(t, "10:30:00")}, "lost 08:00:02.0 [10:30:00.0 11:00:00.0] -: Deleting stale socket by nitro-cli:90 at 2025-11-03T11:00:00.000Z"},
		{"alive when the log has it gone", signLog(stale), []Sign{alive(t, "10:30:00"), alive(t, "11:30:00")}, "lost 08:00:02.0 [10:30:00.0 11:00:00.0] -: Deleting stale socket by nitro-cli:90 at 2025-11-03T11:00:00.000Z"},
		{"an exact end stands", signLog(completed), []Sign{alive(t, "10:30:00"), hostGone(t, "09:30:00"), gone, ended}, "terminated 08:00:02.0 [10:00:00.2 10:00:00.2] -: Enclave has completed termination by enc-19a48bae81e5f1c:41 at 2025-11-03T10:00:00.250Z"},
		{"host stopped", signLog(), []Sign{hostGone(t, "11:40:00"), hostGone(t, "10:40:00")}, "lost 08:00:02.0 [09:00:00.5 10:40:00.0] -: StopInstances by somebody at 2025-11-03T10:40:00.000Z"},
		{"a stop that hung, and another", signLog(), []Sign{hostGone(t, "08:40:00"), alive(t, "10:30:00"), hostGone(t, "10:40:00"), hostGone(t, "10:50:00")}, "lost 08:00:02.0 [10:30:00.0 10:40:00.0] -: StopInstances by somebody at 2025-11-03T10:40:00.000Z"},
		{"a call while the host shuts down", signLog(), []Sign{alive(t, "10:19:50"), hostGone(t, "10:20:00"), alive(t, "10:20:20")}, "lost 08:00:02.0 [10:20:20.0 10:20:20.0] -: StopInstances by somebody at 2025-11-03T10:20:00.000Z"},
		{"a call long after the host was stopped", signLog(), []Sign{alive(t, "10:19:50"), hostGone(t, "10:20:00"), alive(t, "10:20:20"), alive(t, "11:50:00")}, "lost 08:00:02.0 [10:20:20.0 10:20:20.0] -: StopInstances by somebody at 2025-11-03T10:20:00.000Z"},
		{"only a call long after the host was stopped", signLog(), []Sign{hostGone(t, "09:20:00"), alive(t, "11:50:00")}, "lost 08:00:02.0 [09:00:00.5 09:20:00.0] -: StopInstances by somebody at 2025-11-03T09:20:00.000Z"},
		{"the log while the host shuts down", signLog(), []Sign{hostGone(t, "08:59:00")}, "lost 08:00:02.0 [09:00:00.5 09:00:00.5] -: StopInstances by somebody at 2025-11-03T08:59:00.000Z"},
		{"the log long after the host was stopped", signLog(), []Sign{hostGone(t, "08:20:00"), hostGone(t, "08:30:00"), alive(t, "11:50:00")}, "lost 08:00:02.0 [09:00:00.5 09:00:00.5] -: StopInstances by somebody at 2025-11-03T08:30:00.000Z"},
		{"the host was stopped before the start", signLog(), []Sign{hostGone(t, "07:59:50"), alive(t, "10:00:00")}, "running 08:00:02.0 [10:00:00.0 -] 12:00:00.0: No end in the log. Attested Decrypt by somebody at 2025-11-03T10:00:00.000Z"},
		{"host stopped in the second of the last proof", signLog(), []Sign{hostGone(t, "09:00:00")}, "lost 08:00:02.0 [09:00:00.5 09:00:00.5] -: StopInstances by somebody at 2025-11-03T09:00:00.000Z"},
		{"the earlier bound wins", signLog(stale), []Sign{hostGone(t, "10:40:00")}, "lost 08:00:02.0 [09:00:00.5 10:40:00.0] -: StopInstances by somebody at 2025-11-03T10:40:00.000Z"},
		{"the earlier bound wins, of the log", signLog(stale), []Sign{hostGone(t, "11:40:00")}, "lost 08:00:02.0 [09:00:00.5 11:00:00.0] -: Deleting stale socket by nitro-cli:90 at 2025-11-03T11:00:00.000Z"},
		{"a listing without it", signLog(), []Sign{gone, hostGone(t, "11:00:00")}, "lost 08:00:02.0 [09:00:00.5 10:15:00.0] -: Listed without it at 2025-11-03T10:15:00.000Z"},
		{"a listing without it, and alive later", signLog(), []Sign{gone, alive(t, "10:16:00")}, "running 08:00:02.0 [10:16:00.0 -] 12:00:00.0: No end in the log. Attested Decrypt by somebody at 2025-11-03T10:16:00.000Z"},
		{"its process went", signLog(), []Sign{alive(t, "10:10:00"), ended, gone, hostGone(t, "11:00:00")}, "lost 08:00:02.0 [10:15:00.2 10:15:00.2] -: Its process was seen to go at 2025-11-03T10:15:00.200Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := boundsOf(t, c.log, c.signs...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestSignsOfALostBeginning lets a call tell that an enclave lived earlier than the log
// shows, but not before it was made, nor where the log has the beginning.
func TestSignsOfALostBeginning(t *testing.T) {
	const slot = "19a48bae81e5f1c" // 2025-11-03T08:00:02.334Z
	line := `[enc-` + slot + `:41][INFO][2025-11-03T09:00:00.500Z][src/x.rs:1] Received command: Describe` + "\n"
	made, ok := created(slot)
	if !ok {
		t.Fatal("the slot tells no creation")
	}
	early := Sign{SlotKey: slot, At: instant(made).Add(-time.Minute), Kind: SignAlive, Why: "Attested"}
	late := Sign{SlotKey: slot, At: instant(made).Truncate(time.Second).Add(10 * time.Second), Kind: SignAlive, Why: "Attested"}
	r := Derive(Input{Instance: host, Marks: fold(parseEvents(t, line), (*Folder).Marks), Signs: []Sign{late, early}})
	if len(r.Sessions) != 1 || !r.Sessions[0].Started.Equal(late.At) || !r.Sessions[0].Partial {
		t.Errorf("%+v, want a start at %v", r.Sessions, late.At)
	}
	r = Derive(Input{Instance: host, Marks: fold(parseEvents(t, signLog()), (*Folder).Marks), Signs: []Sign{alive(t, "07:00:00")}})
	if !r.Sessions[0].Started.Equal(clock(t, "08:00:02")) {
		t.Errorf("started %v although the log has the start", r.Sessions[0].Started)
	}
}

// TestSignsMeasure gives a life the measurements of its latest call, each life of a slot
// its own.
func TestSignsMeasure(t *testing.T) {
	second := strings.NewReplacer("T08:", "T14:", ":41]", ":51]", "PID: 41", "PID: 51", "T09:", "T15:").Replace(signLog())
	sign := func(at, pcr0, pcr8 string) Sign {
		s := alive(t, at)
		s.PCR0, s.PCR8 = pcr0, pcr8
		return s
	}
	r := Derive(Input{Instance: host, Marks: fold(parseEvents(t, signLog(completed)+second), (*Folder).Marks), Signs: []Sign{
		sign("15:30:00", "cc", ""), sign("08:30:00", "aa", "88"), sign("09:30:00", "bb", ""), sign("10:20:00", "dd", "dd"),
		{SlotKey: signSlot, At: clock(t, "14:30:00"), Kind: SignAlive, VCPUs: 64, MemoryMiB: 1024},
	}})
	if len(r.Sessions) != 2 {
		t.Fatalf("%d sessions", len(r.Sessions))
	}
	a, b := r.Sessions[0], r.Sessions[1]
	if a.PCR0 != "bb" || a.PCR8 != "88" || b.PCR0 != "cc" || b.PCR8 != "" {
		t.Errorf("%s %s, %s %s", a.PCR0, a.PCR8, b.PCR0, b.PCR8)
	}
	if *b.Request.VCPUs != 2 || *b.Request.MemoryMiB != 1024 || a.Request.MemoryMiB != nil {
		t.Errorf("%d vCPUs, %v MiB, %v MiB", *b.Request.VCPUs, *b.Request.MemoryMiB, a.Request.MemoryMiB)
	}
}

// TestAHostEndsALateSeenLife lets the slot tell that an enclave was there before its host
// was told to stop, where the log has only lines of the shutdown.
func TestAHostEndsALateSeenLife(t *testing.T) {
	line := func(at string) string {
		return "[enc-" + signSlot + ":41][INFO][2025-11-03T" + at + "Z][src/x.rs:1] Received command: Describe\n"
	}
	for at, want := range map[string]string{
		"09:00:20.500": "lost 09:00:20.5 [09:00:20.5 09:00:20.5] -: StopInstances by somebody at 2025-11-03T09:00:00.000Z",
		"09:40:00.500": "running 09:40:00.5 [09:40:00.5 -] 12:00:00.0: No end in the log. Last line by enc-" + signSlot + ":41 at 2025-11-03T09:40:00.500Z",
	} {
		if got := boundsOf(t, line(at), hostGone(t, "09:00:00")); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestAStartWhileTheHostShutsDown begins an enclave shortly behind the end of its host. A
// host that was stopped may be back by then; one that was terminated is not.
func TestAStartWhileTheHostShutsDown(t *testing.T) {
	start := strings.Join(strings.SplitAfter(signLog(), "\n")[:3], "")
	terminated := hostGone(t, "07:59:50")
	terminated.Why, terminated.Final = "TerminateInstances by somebody", true
	longAgo := terminated
	longAgo.At = clock(t, "07:49:00")
	for _, c := range []struct {
		name, log string
		signs     []Sign
		want      string
	}{
		{"stopped", start, []Sign{hostGone(t, "07:59:50")}, "running 08:00:02.0 [08:00:02.0 -] 12:00:00.0: No end in the log. Enclave ID by enc-xxxxxxx:41 at 2025-11-03T08:00:02.000Z"},
		{"terminated", start, []Sign{terminated}, "lost 08:00:02.0 [08:00:02.0 08:00:02.0] -: TerminateInstances by somebody at 2025-11-03T07:59:50.000Z"},
		{"terminated, and alive while it shuts down", start, []Sign{terminated, alive(t, "08:05:00"), alive(t, "08:30:00")}, "lost 08:00:02.0 [08:05:00.0 08:05:00.0] -: TerminateInstances by somebody at 2025-11-03T07:59:50.000Z"},
		{"terminated twice", start, []Sign{longAgo, terminated}, "lost 08:00:02.0 [08:00:02.0 08:00:02.0] -: TerminateInstances by somebody at 2025-11-03T07:59:50.000Z"},
		{"terminated too long ago for that", start, []Sign{longAgo}, "running 08:00:02.0 [08:00:02.0 -] 12:00:00.0: No end in the log. Enclave ID by enc-xxxxxxx:41 at 2025-11-03T08:00:02.000Z"},
		{"its log goes on, so the clock is wrong", signLog(), []Sign{terminated}, "running 08:00:02.0 [09:00:00.5 -] 12:00:00.0: No end in the log. Last line by enc-19a48bae81e5f1c:41 at 2025-11-03T09:00:00.500Z"},
		{"stopped, and terminated later", start, []Sign{hostGone(t, "07:59:50"), {At: clock(t, "10:00:00"), Kind: SignHostGone, Why: "TerminateInstances", Final: true}}, "lost 08:00:02.0 [08:00:02.0 10:00:00.0] -: TerminateInstances at 2025-11-03T10:00:00.000Z"},
	} {
		if got := boundsOf(t, c.log, c.signs...); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestTheHostSpeaksLongAfterItsEnd counts what the agent on the host tells whenever it
// was, and presumes nothing behind it.
func TestTheHostSpeaksLongAfterItsEnd(t *testing.T) {
	listed := alive(t, "11:50:00")
	listed.FromHost = true
	got := boundsOf(t, signLog(), hostGone(t, "10:00:00"), listed, alive(t, "11:55:00"))
	if want := "lost 08:00:02.0 [11:50:00.0 11:50:00.0] -: StopInstances by somebody at 2025-11-03T10:00:00.000Z"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
