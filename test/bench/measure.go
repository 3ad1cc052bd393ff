package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// usage is what one process took.
type usage struct {
	cpu, wall time.Duration
	peakMiB   float64
}

// child runs a command to its end and returns what it took.
func child(codes []int, name string, args ...string) (usage, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdout = nil
	errs, err := os.CreateTemp("", "bench-stderr-")
	if err != nil {
		return usage{}, err
	}
	defer os.Remove(errs.Name())
	defer errs.Close()
	cmd.Stderr = errs
	begun := time.Now()
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return usage{}, err
	}
	if !slices.Contains(codes, cmd.ProcessState.ExitCode()) {
		said, _ := os.ReadFile(errs.Name())
		return usage{}, fmt.Errorf("%s %v: %w: %s", name, args, err, said)
	}
	took := usage{wall: time.Since(begun), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		took.peakMiB = float64(r.Maxrss) / 1024
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

// median of some durations; they are sorted in place.
func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// rate is bytes by CPU time in MB/s.
func rate(bytes int64, cpu time.Duration) float64 {
	return float64(bytes) / 1e6 / cpu.Seconds()
}
