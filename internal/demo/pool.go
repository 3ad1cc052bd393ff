package demo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// machine is an instance type: CPU c and c+cpus/threads share a core.
type machine struct {
	name    string
	cpus    int64
	threads int64
}

// pool is what the allocator keeps for enclaves: whole cores and huge pages
// (facts/nitro.md 2.5).
type pool struct {
	machine machine
	mib     int64
	vcpus   int64
	cores   []int64 // free cores, by their first CPU
	big     int64   // free pages of 1024 MiB
	small   int64   // free pages of 2 MiB
}

// held is what one enclave took from the pool.
type held struct {
	cores      []int64
	big, small int64
}

// mib is the memory that the hypervisor took.
func (t held) mib() int64 { return 1024*t.big + 2*t.small }

// newPool reserves all cores but CPU 0's and the memory, a GiB of it in small
// pages, as the sample journal shows.
func newPool(m machine, mib int64) pool {
	p := pool{machine: m, mib: mib}
	for core := int64(1); core < m.cpus/m.threads; core++ {
		p.cores = append(p.cores, core)
	}
	p.vcpus = int64(len(p.cores)) * m.threads
	p.big = max(mib-1024, 0) / 1024
	p.small = (mib - 1024*p.big) / 2
	return p
}

// list returns the CPUs of the whole pool as the allocator prints them.
func (p *pool) list() string {
	var cpus []string
	for core := int64(1); core < p.machine.cpus/p.machine.threads; core++ {
		for _, cpu := range p.threads(core) {
			cpus = append(cpus, strconv.FormatInt(cpu, 10))
		}
	}
	return strings.Join(cpus, ",")
}

// threads returns the CPUs of a core.
func (p *pool) threads(core int64) []int64 {
	cores := p.machine.cpus / p.machine.threads
	var cpus []int64
	for t := range p.machine.threads {
		cpus = append(cpus, core+t*cores)
	}
	return cpus
}

// fits reports whether the request can be met now.
func (p *pool) fits(mib, vcpus int64) bool {
	_, ok := p.pages(mib)
	return ok && vcpus <= int64(len(p.cores))*p.machine.threads && vcpus%p.machine.threads == 0
}

// pages picks huge pages, the largest first. What is left goes into small pages, or
// into one big page where the small ones are gone: then an enclave gets more than
// it asked for (facts/nitro.md 2.5).
func (p *pool) pages(mib int64) (held, bool) {
	var t held
	t.big = min(mib/1024, p.big)
	rest := mib - 1024*t.big
	t.small = (rest + 1) / 2
	if t.small > p.small {
		t.small = 0
		t.big++
	}
	return t, t.big <= p.big && (t.small > 0 || 1024*t.big >= mib)
}

// take takes what the request asks for; fits must have said that it is there. CPU
// ids of the request are those that freeCPUs gave.
func (p *pool) take(r request) held {
	t, _ := p.pages(r.mib)
	n := int(r.vcpus() / p.machine.threads)
	t.cores = slices.Clone(p.cores[:min(n, len(p.cores))])
	p.cores = slices.Delete(p.cores, 0, len(t.cores))
	p.big -= t.big
	p.small -= t.small
	return t
}

// free gives back what an enclave held.
func (p *pool) free(t held) {
	p.cores = append(p.cores, t.cores...)
	slices.Sort(p.cores)
	p.big += t.big
	p.small += t.small
}

// freeCPUs returns the ids of the CPUs that take would give next.
func (p *pool) freeCPUs(vcpus int64) []int64 {
	var cpus []int64
	for _, core := range p.cores[:vcpus/p.machine.threads] {
		cpus = append(cpus, p.threads(core)...)
	}
	return cpus
}

// text returns the pages as nitro-cli prints them, ascending by size.
func (t held) text() string {
	var parts []string
	if t.small > 0 {
		parts = append(parts, fmt.Sprintf("%d page(s) of 2 MB", t.small))
	}
	if t.big > 0 {
		parts = append(parts, fmt.Sprintf("%d page(s) of 1024 MB", t.big))
	}
	return fmt.Sprintf("Allocated %d region(s): %s", t.big+t.small, strings.Join(parts, ", "))
}
