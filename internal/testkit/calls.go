package testkit

import (
	"fmt"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
)

// AttestedYear is a year of sessions and of their attested calls, made up and spread
// evenly. Each call lies within its session.
type AttestedYear struct {
	Hosts, Sessions, Calls int
}

// callsAtOnce is how many calls a batch holds.
const callsAtOnce = 50_000

// session returns the n-th session.
func (y AttestedYear) session(n int) sessions.Session {
	host := trailhouse.InstanceID(fmt.Sprintf("i-0%016x", n%y.Hosts))
	at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * (365 * 24 * time.Hour / time.Duration(y.Sessions)))
	slot := fmt.Sprintf("%x", at.UnixMilli()<<16|int64(n%65536))
	id, end := string(host)+"-enc"+slot, at.Add(48*time.Hour)
	return sessions.Session{
		SessionID: id, Instance: host, EnclaveID: id, Slot: trailhouse.Slot(slot), Started: at,
		StopNotBefore: end, StopNotAfter: end, Stop: end, Reason: sessions.ReasonTerminated, Evidence: "made up",
	}
}

// Write calls write with the sessions and then with the calls, some at a time: rows of
// enclave_sessions and of attested_calls.
func (y AttestedYear) Write(write func(*trailhouse.Batch) error) error {
	lives := trailhouse.NewBatch(sessions.SessionTable())
	for n := range y.Sessions {
		sessions.EncodeSessions([]sessions.Session{y.session(n)}, lives)
	}
	if err := write(lives); err != nil {
		return err
	}
	calls := trailhouse.NewBatch(attested.CallTable())
	each := y.Calls / y.Sessions
	for n := range y.Sessions {
		s := y.session(n)
		for k := range each {
			y.call(calls, &s, n, k)
		}
		if calls.Len() >= callsAtOnce || n == y.Sessions-1 {
			if err := write(calls); err != nil {
				return err
			}
			calls.Reset()
		}
	}
	return nil
}

// call appends the k-th call of the n-th session.
func (y AttestedYear) call(b *trailhouse.Batch, s *sessions.Session, n, k int) {
	t := b.Table
	set := func(name, v string) { b.SetString(t.MustIndex(name), v) }
	unit := n*(y.Calls/y.Sessions) + k
	var key trailhouse.Key
	for i := range 8 {
		key[i] = byte(uint64(unit) * 0x9E3779B97F4A7C15 >> (8 * i))
		key[15-i] = byte(uint64(unit) * 0xD1B54A32D192ED03 >> (8 * i))
	}
	b.SetKey(t.MustIndex("event_key"), key)
	b.SetTime(t.MustIndex("eventtime"), s.Started.Add(time.Duration(k)*time.Hour).Truncate(time.Second).Add(time.Second))
	module, instance := string(s.Instance)+"-enc0"+string(s.Slot), string(s.Instance)
	for name, v := range map[string]string{
		"eventid":    fmt.Sprintf("%x-%x-%x-%x-%x", key[:4], key[4:6], key[6:8], key[8:10], key[10:]),
		"account_id": "111122223333", "awsregion": "us-east-1", "operation": "Decrypt",
		"key_arn":   fmt.Sprintf("arn:aws:kms:us-east-1:111122223333:key/%d", n%50),
		"principal": "arn:aws:sts::111122223333:assumed-role/EnclaveHost/" + instance, "session_name": instance, "caller_instance_id": instance,
		"sourceipaddress": "10.0.0.1", "useragent": "aws-nitro-enclaves-sdk-c", "kind": attested.Enclave,
		"module_id": module, "instance_id": instance, "slot": "0" + string(s.Slot), "slot_key": string(s.Slot),
		"object": fmt.Sprintf("s3://bucket/AWSLogs/%d.json.gz", unit/100), "object_sha256": fmt.Sprintf("%064x", unit/100),
	} {
		set(name, v)
	}
	m := b.Child(t.MustIndex("attestation"))
	member := func(name, v string) {
		m.SetString(0, name)
		m.SetString(1, v)
		m.EndRow()
	}
	member("attestationDocumentModuleId", module)
	for i, name := range []string{"pcr0", "pcr1", "pcr2", "pcr3", "pcr4", "pcr8"} {
		v := strings.Repeat(fmt.Sprintf("%02x", n%40+i), 48)
		set(name, v)
		member("attestationDocumentEnclavePCR"+name[3:], v)
	}
	b.SetRows(t.MustIndex("attestation"))
	b.SetBool(t.MustIndex("debug"), false)
	b.SetInt(t.MustIndex("position"), int64(unit%100*1500))
	b.SetInt(t.MustIndex("length"), 1490)
	b.EndRow()
}
