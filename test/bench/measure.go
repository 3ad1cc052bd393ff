package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// usage is what one process took, and what it printed.
type usage struct {
	cpu, wall time.Duration
	peakMiB   float64
	out       []byte
}

// child runs a command to its end and returns what it took. codes are the exit codes
// of success.
//
// The peak of a child is never below that of this process, whose memory it shares
// until it is another program: what needs memory is done in children here.
func child(codes []int, name string, args ...string) (usage, error) {
	cmd := exec.Command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	begun := time.Now()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return usage{}, err
	}
	if !slices.Contains(codes, cmd.ProcessState.ExitCode()) {
		return usage{}, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, errs.Bytes())
	}
	took := usage{wall: time.Since(begun), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), out: out.Bytes()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		took.peakMiB = float64(r.Maxrss) / 1024
	}
	return took, nil
}

// childJSON runs a command that prints JSON on its standard output.
func childJSON(v any, name string, args ...string) (usage, error) {
	took, err := child([]int{0}, name, args...)
	if err == nil {
		err = json.Unmarshal(took.out, v)
	}
	if err != nil {
		return took, fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return took, nil
}

// ownCPU returns the CPU time that this process has taken.
func ownCPU() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// ownPeakMiB returns the largest resident size that this process had.
func ownPeakMiB() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return float64(r.Maxrss) / 1024
}

// median of some durations; they are sorted in place.
func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// rate is bytes by CPU time in MB/s.
func rate(bytes int64, cpu time.Duration) float64 {
	return float64(bytes) / 1e6 / cpu.Seconds()
}

// perSecond is events by CPU second, with a separator at thousands.
func perSecond(events int64, cpu time.Duration) string {
	return grouped(int64(float64(events) / cpu.Seconds()))
}

// grouped writes a number as people read it.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
