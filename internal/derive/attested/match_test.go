package attested

import (
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	out, err := time.Parse("15:04:05.999", text)
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2025, 11, 3, out.Hour(), out.Minute(), out.Second(), out.Nanosecond(), time.UTC)
}

// session is one row of enclave_sessions; notAfter is empty while it runs.
func session(t *testing.T, id, attempt, started, notBefore, notAfter string) sessions.Session {
	e, _ := trailhouse.ParseEnclaveID(id)
	return sessions.Session{
		SessionID: id, Instance: e.Instance, EnclaveID: id, Slot: e.Slot, Attempt: at(t, attempt), Started: at(t, started),
		StopNotBefore: at(t, notBefore), StopNotAfter: at(t, notAfter), Reason: "x", Evidence: "x",
	}
}

func TestMatch(t *testing.T) {
	lives := NewLives()
	b := trailhouse.NewBatch(sessions.SessionTable())
	first := session(t, "i-1-enc19a48bae81e5f1c", "08:00:00.5", "08:00:02", "09:00:00.25", "09:00:00.25")
	second := session(t, "i-1-enc19a48bae81e5f1c", "", "10:00:00.5", "11:00:00", "12:00:00")
	second.SessionID += "#2"
	running := session(t, "i-1-enc00ff", "10:00:00", "10:00:02", "11:00:00.7", "")
	long := session(t, "i-1-enc123456789ABCDE12FF", "", "10:00:00", "11:00:00", "11:00:00")
	sessions.EncodeSessions([]sessions.Session{second, running, long, first}, b)
	lives.AddSessions(b)
	lives.AddHost([]byte("i-2"))
	const slot = "19a48bae81e5f1c"
	for _, c := range []struct{ kind, instance, slot, at, session, match string }{
		{Enclave, "i-1", "0" + slot, "07:59:59", first.SessionID, Outside},
		{Enclave, "i-1", slot, "08:00:00", first.SessionID, Within}, // it may call while it boots
		{Enclave, "i-1", slot, "09:00:00", first.SessionID, Within},
		{Enclave, "i-1", slot, "09:00:01", first.SessionID, Outside},
		{Enclave, "i-1", slot, "09:59:59", first.SessionID, Outside},
		{Enclave, "i-1", slot, "10:00:00", second.SessionID, Within},
		{Enclave, "i-1", slot, "11:00:00", second.SessionID, Within},
		{Enclave, "i-1", slot, "11:00:01", second.SessionID, Uncertain},
		{Enclave, "i-1", slot, "11:59:59", second.SessionID, Uncertain},
		{Enclave, "i-1", slot, "12:00:00", second.SessionID, Outside},
		{Enclave, "i-1", "FF", "11:00:00", running.SessionID, Within},
		{Enclave, "i-1", "ff", "11:00:01", running.SessionID, Presumed},
		{Enclave, "i-1", "123456789abcde12ff", "10:30:00", long.SessionID, Within},
		{Enclave, "i-1", "123456789abcde12ff0", "10:30:00", "", NoSession},
		{Enclave, "i-2", slot, "08:30:00", "", NoSession},
		{Enclave, "i-3", slot, "08:30:00", "", NoLog},
		{NitroTPM, "i-1", "", "08:30:00", "", ""},
		{"", "", "", "08:30:00", "", ""},
	} {
		key := trailhouse.Slot(c.slot).Key()
		got, match := lives.Match([]byte(c.kind), []byte(c.instance), []byte(key), at(t, c.at).UnixMicro())
		if got != c.session || match != c.match {
			t.Errorf("%s of %s-enc%s: %s %s, want %s %s", c.at, c.instance, c.slot, got, match, c.session, c.match)
		}
	}
}
