package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/demo/audit"
	"github.com/trailhouse/trailhouse/internal/demo/trail"
)

// TruthName is the name of the truth's file in the demo's folder.
const TruthName = "truth.json"

// Truth is what a correct meter says of the evidence that Generate wrote.
type Truth struct {
	Seed uint64 `json:"seed"`
	// From and To bound the simulated time.
	From Instant `json:"from"`
	To   Instant `json:"to"`
	// Sessions are in the order of Started, then of EnclaveID.
	Sessions []Session `json:"sessions"`
	// FailedStarts are in the order of Time, then of InstanceID.
	FailedStarts []Attempt `json:"failed_starts"`
	// Unresolved are starts that a power loss cut off. They did not fail; Time is that
	// of the last line of the start.
	Unresolved []Attempt `json:"unresolved_starts"`
	// Usage has a row for each client and month that has a session; unattributed
	// counts as a client.
	Usage []Usage `json:"usage"`
	// Pools has a row for each host whose allocator's journal was written.
	Pools []Pool `json:"pools"`
	Hosts []Host `json:"hosts"`
	Files []File `json:"files"`
	// Trail is what CloudTrail's files hold.
	Trail *trail.Truth `json:"trail"`
	// Calls are the attested calls of enclaves by session and client, and Findings what
	// logs and trail together tell; null without logs.
	Calls    []audit.Calls   `json:"calls"`
	Findings []audit.Finding `json:"findings"`
}

// Session is one life of an enclave as far as the log shows it. Nil and zero
// instants are null: the log does not say.
type Session struct {
	EnclaveID          string  `json:"enclave_id"`
	InstanceID         string  `json:"instance_id"`
	Name               *string `json:"name"`
	EIFPath            *string `json:"eif_path"`
	PID                *int64  `json:"pid"`
	VCPUs              *int64  `json:"vcpus"`
	CPUIDs             []int64 `json:"cpu_ids"`
	MemoryRequestedMiB *int64  `json:"memory_requested_mib"`
	MemoryMiB          *int64  `json:"memory_mib"`
	Debug              *bool   `json:"debug"`
	CIDRequested       *int64  `json:"cid_requested"`
	Attempt            Instant `json:"attempt"`
	Reserved           Instant `json:"reserved"`
	Ready              Instant `json:"ready"`
	// Started is when usage begins: Ready, else the first proof of life.
	Started       Instant `json:"started"`
	Stop          Instant `json:"stop"`
	StopNotBefore Instant `json:"stop_not_before"`
	StopNotAfter  Instant `json:"stop_not_after"`
	Reason        string  `json:"reason"`
	PresumedUntil Instant `json:"presumed_until"`
	// Partial says that the log does not show the start.
	Partial bool `json:"partial"`
	// Client is whom the rules of trailhouse.yaml give it to.
	Client string `json:"client"`
	// Billed is from Started to Stop, to StopNotBefore where the enclave was lost, to
	// PresumedUntil while it runs; Presumed is the part of it behind StopNotBefore.
	Billed   Seconds `json:"billed_seconds"`
	Presumed Seconds `json:"presumed_seconds"`
	// Uncertain is from StopNotBefore to StopNotAfter and not billed.
	Uncertain Seconds `json:"uncertain_seconds"`
	// ReallyEnded is when the simulated enclave ended, null while it lives. No meter
	// can know it where Stop is null; it lies within the bounds.
	ReallyEnded Instant `json:"really_ended"`
}

// Attempt is a start that gave no enclave.
type Attempt struct {
	InstanceID string `json:"instance_id"`
	PID        int64  `json:"pid"`
	// Time is that of the `[ Exx ]` record.
	Time      Instant `json:"time"`
	ErrorCode string  `json:"error_code,omitempty"`
	Name      *string `json:"name"`
	EIFPath   *string `json:"eif_path"`
	VCPUs     *int64  `json:"vcpus"`
	MemoryMiB *int64  `json:"memory_mib"`
	Attempt   Instant `json:"attempt"`
	// Reserved is when memory was donated; it was held until Time.
	Reserved Instant `json:"reserved"`
}

// Usage is what one client used in one calendar month, UTC. Hours follow exactly:
// vCPU-hours are VCPUMillis / 3.6e6, GiB-hours MiBMillis / 1024 / 3.6e6.
type Usage struct {
	Client string `json:"client"`
	Month  string `json:"month"` // 2025-08
	// Sessions counts those that started in the month or have billed or uncertain
	// time in it.
	Sessions  int64   `json:"sessions"`
	Billed    Seconds `json:"billed_seconds"`
	Presumed  Seconds `json:"presumed_seconds"`
	Uncertain Seconds `json:"uncertain_seconds"`
	// VCPUMillis and MiBMillis are vCPU-milliseconds and MiB-milliseconds of the
	// billed time. Sessions whose size the log does not show add nothing.
	VCPUMillis int64 `json:"vcpu_ms"`
	MiBMillis  int64 `json:"mib_ms"`
}

// VCPUHours returns vCPU-milliseconds as vCPU-hours, rounded half up at six digits.
func VCPUHours(vcpuMillis int64) string {
	return millionths((10*vcpuMillis + 18) / 36)
}

// GiBHours returns MiB-milliseconds as GiB-hours, rounded half up at six digits.
func GiBHours(mibMillis int64) string {
	return millionths((10*mibMillis + 18432) / 36864)
}

func millionths(n int64) string { return fmt.Sprintf("%d.%06d", n/1e6, n%1e6) }

// Pool is what became of the pool that a host's allocator reserved, in
// vCPU-milliseconds and MiB-milliseconds. Reserved is from each successful run of
// the allocator to the first line of the next run or to the end of the host's
// evidence. Used is billed time. Unbilled is boot (reserved to ready), failed
// starts (reserved to error) and uncertain tails. Idle is the rest.
type Pool struct {
	InstanceID string `json:"instance_id"`
	// VCPUs and MiB are those of the last run.
	VCPUs         int64 `json:"vcpus"`
	MiB           int64 `json:"memory_mib"`
	ReservedVCPU  int64 `json:"reserved_vcpu_ms"`
	ReservedMiB   int64 `json:"reserved_mib_ms"`
	UsedVCPU      int64 `json:"used_vcpu_ms"`
	UsedMiB       int64 `json:"used_mib_ms"`
	UnbilledVCPU  int64 `json:"unbilled_vcpu_ms"`
	UnbilledMiB   int64 `json:"unbilled_mib_ms"`
	IdleVCPU      int64 `json:"idle_vcpu_ms"`
	IdleMiB       int64 `json:"idle_mib_ms"`
	ReservedMilli int64 `json:"reserved_ms"`
}

// Host is one instance.
type Host struct {
	InstanceID   string `json:"instance_id"`
	Account      string `json:"account"`
	InstanceType string `json:"instance_type"`
	// CompleteThrough is the time of the last record of any of its files.
	CompleteThrough Instant `json:"complete_through"`
}

// File is one written file and what it holds.
type File struct {
	Path string `json:"path"` // below the demo's folder
	// Records are lines with a header; Continuations the lines behind them, those
	// without text included but where CloudWatch drops them; Journal lines of a journal.
	Records       int64 `json:"records"`
	Continuations int64 `json:"continuations"`
	Journal       int64 `json:"journal"`
}

// WriteTruth writes the truth into the demo's folder.
func WriteTruth(dir string, t *Truth) error {
	text, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return trailhouse.Errorf(trailhouse.CodeInternal, "cannot encode the demo's truth: %w", err)
	}
	path := filepath.Join(dir, TruthName)
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return storage("write", path, err)
	}
	return nil
}

// ReadTruth reads what WriteTruth wrote. CodeNotFound where there is none.
func ReadTruth(dir string) (*Truth, error) {
	path := filepath.Join(dir, TruthName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, trailhouse.Errorf(trailhouse.CodeNotFound, "no demo was made in %s", dir).WithHint("run make demo")
	}
	if err != nil {
		return nil, storage("read", path, err)
	}
	t := new(Truth)
	if err := json.Unmarshal(text, t); err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeInvalid, "%s is not a demo's truth: %w", path, err)
	}
	return t, nil
}
