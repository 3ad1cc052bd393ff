package agent

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Host is what is known of the machine.
type Host struct {
	Instance trailhouse.InstanceID
	// BootID changes with each boot, Booted is when that was, to the second; both empty
	// where the system does not tell.
	BootID string
	Booted time.Time
	// Root is where /proc, /sys and /etc are found, "/" but for tests; Sockets is the
	// directory of nitro-cli's sockets.
	Root, Sockets string
}

// Look reads what the system tells of the host. The instance is that of the board's asset
// tag, which nitro-cli names enclaves after (facts/nitro.md 2.6), empty where it is none.
func Look(root, sockets string) Host {
	h := Host{Root: root, Sockets: sockets}
	h.BootID = h.read("proc/sys/kernel/random/boot_id")
	if tag := trailhouse.InstanceID(h.read("sys/devices/virtual/dmi/id/board_asset_tag")); tag.Valid() {
		h.Instance = tag
	}
	for line := range strings.Lines(h.read("proc/stat")) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "btime "); ok {
			if seconds, err := strconv.ParseInt(at, 10, 64); err == nil {
				h.Booted = time.Unix(seconds, 0).UTC()
			}
		}
	}
	return h
}

// read returns a small file, empty where it cannot be read.
func (h Host) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(h.Root, name)) // what is not there is not known
	return strings.TrimSpace(string(text))
}

// scope names the place in which nitro-cli finds enclaves: the directory of its sockets as
// the kernel knows it, whatever the mount is called in a container.
func (h Host) scope() string {
	info, err := os.Stat(h.Sockets)
	if err != nil {
		return ""
	}
	return fileID(info)
}

// pool is what the allocator reserved for enclaves; -1 is unknown.
type pool struct{ vcpus, memoryMiB, freeMiB int64 }

// pool reads the live pool: the driver's CPUs and the huge pages, which hold the pool and
// what else on the host uses such pages; else what the allocator is asked for
// (facts/nitro.md 2.5).
func (h Host) pool() pool {
	p := pool{-1, -1, -1}
	if list := h.read("sys/module/nitro_enclaves/parameters/ne_cpus"); list != "" {
		p.vcpus = countCPUs(list)
	}
	sizes, _ := filepath.Glob(filepath.Join(h.Root, "sys/devices/system/node/node*/hugepages/hugepages-*kB")) // the pattern is ours
	for _, dir := range sizes {
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(dir), "hugepages-"), "kB"), 10, 64)
		all, err1 := strconv.ParseInt(readSmall(filepath.Join(dir, "nr_hugepages")), 10, 64)
		free, err2 := strconv.ParseInt(readSmall(filepath.Join(dir, "free_hugepages")), 10, 64)
		if err1 == nil && err2 == nil {
			p.memoryMiB, p.freeMiB = max(p.memoryMiB, 0)+all*kib/1024, max(p.freeMiB, 0)+free*kib/1024
		}
	}
	for line := range strings.Lines(h.read("etc/nitro_enclaves/allocator.yaml")) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case key == "cpu_pool" && p.vcpus < 0 && value != "":
			p.vcpus = countCPUs(strings.Trim(value, `"'`))
		case err != nil:
		case key == "memory_mib" && p.memoryMiB < 0:
			p.memoryMiB = n
		case key == "cpu_count" && p.vcpus < 0:
			p.vcpus = n
		}
	}
	return p
}

func readSmall(path string) string {
	text, _ := os.ReadFile(path) // what is not there is not known
	return strings.TrimSpace(string(text))
}

// countCPUs counts a list such as 2-3,6; -1 where it is none.
func countCPUs(list string) int64 {
	var n int64
	for part := range strings.SplitSeq(list, ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.ParseInt(from, 10, 32)
		b := a
		if ranged && err == nil {
			b, err = strconv.ParseInt(to, 10, 32)
		}
		if err != nil || b < a {
			return -1
		}
		n += b - a + 1
	}
	return n
}
