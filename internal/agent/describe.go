package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// maxAnswer bounds what nitro-cli may print, in bytes. Four enclaves are 4 KB.
const maxAnswer = 4 << 20

// answer is what nitro-cli said: the enclaves, and why they may not be all.
type answer struct {
	enclaves []trailhouse.AgentEnclave
	err      error
}

// running reports whether the answer has the enclave running in the same process.
func (a answer) running(e trailhouse.AgentEnclave) bool {
	for _, o := range a.enclaves {
		if o.EnclaveID == e.EnclaveID && o.PID == e.PID && o.State == trailhouse.AgentRunning {
			return true
		}
	}
	return false
}

// bounded keeps what is written to it and refuses to keep too much.
type bounded struct {
	kept []byte
	most int
	full bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if len(b.kept)+len(p) > b.most {
		b.full = true
		return 0, errors.New("too much")
	}
	b.kept = append(b.kept, p...)
	return len(p), nil
}

// describe asks nitro-cli for the enclaves.
func describe(ctx context.Context, program string, timeout time.Duration) answer {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, errs := &bounded{most: maxAnswer}, &bounded{most: 64 << 10}
	cmd := exec.CommandContext(ctx, program, "describe-enclaves")
	cmd.Stdout, cmd.Stderr = out, errs
	cmd.WaitDelay = time.Second // a child of its own may hold the pipes
	err := cmd.Run()
	what := program + " describe-enclaves"
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return answer{err: fmt.Errorf("%s gave no answer within %s", what, timeout)}
	case out.full:
		return answer{err: fmt.Errorf("%s printed more than %d bytes", what, maxAnswer)}
	}
	enclaves, wrong := parseEnclaves(out.kept)
	switch {
	case err != nil:
		said, _, _ := strings.Cut(strings.TrimSpace(string(errs.kept)), "\n")
		if said != "" {
			err = fmt.Errorf("%w: %.300s", err, said)
		}
		return answer{enclaves: enclaves, err: fmt.Errorf("%s failed: %w", what, err)}
	case wrong != nil:
		return answer{enclaves: enclaves, err: fmt.Errorf("%s printed what is not understood: %w", what, wrong)}
	}
	return answer{enclaves: enclaves}
}

// described is an enclave in the JSON of nitro-cli (facts/nitro.md 2.7). Measurements are
// missing before 1.1.0.
type described struct {
	EnclaveName  string
	EnclaveID    string
	ProcessID    int64
	EnclaveCID   int64
	NumberOfCPUs int64
	CPUIDs       []int64
	MemoryMiB    int64
	State        string
	Flags        string
	Measurements struct{ PCR0, PCR1, PCR2, PCR8 string }
}

// Bounds of an answer, which keep a heartbeat within one event of CloudWatch Logs whatever
// one enclave is called: so many enclaves (a host has four at most, facts/nitro.md 2.5),
// bytes of a name or an id, and CPUs.
const (
	maxEnclaves = 64
	maxName     = 1024
	maxText     = 128
	maxCPUs     = 256
)

// bound leaves out what is beyond the bounds, or cannot be.
func (d *described) bound() {
	if len(d.EnclaveName) > maxName {
		d.EnclaveName = "" // a part of it may be the name of another one
	}
	if len(d.CPUIDs) > maxCPUs {
		d.CPUIDs = nil
	}
	if len(d.State) > maxText {
		d.State = ""
	}
	d.NumberOfCPUs, d.ProcessID, d.EnclaveCID = max(0, d.NumberOfCPUs), max(0, d.ProcessID), max(0, d.EnclaveCID)
	if d.MemoryMiB < 0 || d.MemoryMiB > maxMemory {
		d.MemoryMiB = 0
	}
}

// maxMemory is more memory than any machine has, in MiB.
const maxMemory = 1 << 30

// parseEnclaves reads the answer. Enclaves that are understood are given beside an error.
func parseEnclaves(text []byte) ([]trailhouse.AgentEnclave, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil || list == nil {
		return nil, fmt.Errorf("no list in JSON: %.100q", bytes.TrimSpace(text))
	}
	var out []trailhouse.AgentEnclave
	var wrong error
	for _, raw := range list {
		var d described
		err := json.Unmarshal(raw, &d)
		if _, ok := trailhouse.ParseEnclaveID(d.EnclaveID); err != nil || !ok || len(d.EnclaveID) > maxText || len(out) == maxEnclaves {
			wrong = fmt.Errorf("not an enclave: %.100q", raw)
			continue
		}
		d.bound()
		out = append(out, trailhouse.AgentEnclave{
			EnclaveID: d.EnclaveID, Name: d.EnclaveName, PID: d.ProcessID, CID: d.EnclaveCID, VCPUs: d.NumberOfCPUs, CPUIDs: d.CPUIDs,
			MemoryMiB: d.MemoryMiB, State: d.State, Debug: strings.Contains(d.Flags, "DEBUG_MODE"),
			PCR0: pcr(d.Measurements.PCR0), PCR1: pcr(d.Measurements.PCR1), PCR2: pcr(d.Measurements.PCR2), PCR8: pcr(d.Measurements.PCR8),
		})
	}
	return out, wrong
}

// pcr returns a measurement as lower-case hex, empty where it is none.
func pcr(text string) string {
	text = strings.ToLower(text)
	if len(text) > 128 || strings.Trim(text, "0123456789abcdef") != "" {
		return ""
	}
	return text
}
