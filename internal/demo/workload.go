package demo

import "strings"

// workload is an image that hosts run.
type workload struct {
	name  string // of the enclave; the image's own where empty
	eif   string
	mib   []int64
	vcpus []int64
}

// workloads are the images of the demo. Which client one belongs to is for the
// rules to say.
func workloads() []workload {
	return []workload{
		{"acme-tokenizer", "/opt/eif/tokenizer.eif", []int64{512, 1024, 1536}, []int64{2}},
		{"acme-vault", "/opt/eif/vault.eif", []int64{1024, 2048}, []int64{2, 4}},
		{"globex-signer", "/opt/eif/signer.eif", []int64{256, 512, 700}, []int64{2}},
		{"shared-signer", "/opt/eif/signer.eif", []int64{512, 1024}, []int64{2}},
		{"umbrella-kyc", "/srv/umbrella/kyc.eif", []int64{1024, 2048}, []int64{2, 4}},
		{"", "/srv/umbrella/we\"ird \\ dir/kyc }, \u200bv2.eif", []int64{1024}, []int64{2}},
		{"umbrella, \"ключ\" }", "/srv/umbrella/tab\there.eif", []int64{512}, []int64{2}},
		{"initech-match", "/opt/eif/match.eif", []int64{768, 1024}, []int64{2}},
		{"initech-score", "/opt/eif/score.eif", []int64{2048, 3072}, []int64{2, 4}},
		{"", "/home/ec2-user/hello.eif", []int64{64, 256}, []int64{2}},
		{"Acme-Tokenizer", "/home/ec2-user/copy-of-tokenizer.eif", []int64{512}, []int64{2}},
	}
}

// defaultName is the name of an enclave that was given none: its image's file name
// without .eif.
func defaultName(eif string) string {
	return strings.TrimSuffix(eif[strings.LastIndexByte(eif, '/')+1:], ".eif")
}

// pickRequest returns a request as somebody makes it, whether or not there is room.
func (h *host) pickRequest() request {
	all := workloads()
	w := all[h.rng.IntN(len(all))]
	r := request{eif: w.eif, name: w.name, cid: -1}
	if r.name == "" {
		r.name = defaultName(w.eif)
	}
	r.mib = w.mib[h.rng.IntN(len(w.mib))]
	r.count = w.vcpus[h.rng.IntN(len(w.vcpus))]
	if h.profile.machine.threads == 1 && h.rng.IntN(3) == 0 {
		r.count = 1
	}
	switch n := h.rng.IntN(100); {
	case n < 20:
		r.cid = 16 + h.rng.Int64N(1000)
	case n < 22:
		r.cid = 0
	}
	r.debug = h.rng.IntN(7) == 0
	r.console = r.debug && h.version.console && h.rng.IntN(3) == 0
	return r
}

// pickStart returns a start that the host has room for, or one that fails. ok is
// false where the host is too full to try.
func (h *host) pickStart() (r request, f failure, ok bool) {
	if h.profile.keep > 0 {
		r = request{eif: "/opt/eif/tokenizer.eif", name: "acme-tokenizer", cid: -1, mib: 1024, count: 2}
		return r, startsFine, len(h.live) < h.profile.keep
	}
	r = h.pickRequest()
	fits := h.pool.fits(r.mib, r.vcpus()) && len(h.live) < 4
	if h.level == info && (h.rng.IntN(100) < 12 || !fits && h.rng.IntN(8) == 0) {
		return h.pickFailure(r)
	}
	if fits && h.rng.IntN(4) == 0 {
		r.cpus, r.count = h.pool.freeCPUs(r.vcpus()), 0
	}
	return r, startsFine, fits
}

// pickFailure changes the request so that it fails.
func (h *host) pickFailure(r request) (request, failure, bool) {
	fits := h.pool.fits(r.mib, r.vcpus()) && len(h.live) < 4
	f := [...]failure{failsCPUs, failsSmall, failsMemory, failsMemory, failsIoctl, failsBoot, failsBoot, failsKilled}[h.rng.IntN(8)]
	if !fits {
		f = failsMemory
		if len(h.pool.cores) == 0 {
			f = failsBusy
		}
	}
	switch f {
	case failsCPUs:
		r.count = h.pool.vcpus + 2
	case failsSmall:
		r.mib = 64
	case failsMemory:
		r.mib = 1024*h.pool.big + 2*h.pool.small + 1024
	case failsIoctl:
		if h.profile.machine.threads > 1 {
			r.cpus, r.count = h.pool.freeCPUs(h.profile.machine.threads)[:1], 0
		} else {
			r.count = int64(len(h.pool.cores)) + 1
		}
	case failsBoot:
		r.eif, r.name = "/home/ec2-user/bad.eif", "bad"
	}
	if f == failsIoctl && r.count > h.pool.vcpus {
		f, r.count = failsCPUs, h.pool.vcpus+2 // nothing runs, so no CPU is busy
	}
	return r, f, true
}

// lifetime is how long an enclave lives if nothing ends its host.
func (h *host) lifetime() Instant {
	if h.profile.life > 0 {
		return h.profile.life
	}
	if h.calm(day) {
		return 30 * day
	}
	switch n := h.rng.IntN(100); {
	case n < 30:
		return h.between(2*minute, 30*minute)
	case n < 70:
		return h.between(30*minute, 8*hour)
	case n < 95:
		return h.between(8*hour, 2*day)
	}
	return h.between(2*day, 9*day)
}

// pickEnding returns how the enclave will end.
func (h *host) pickEnding() ending {
	if h.profile.life > 0 {
		return endsByID
	}
	switch n := h.rng.IntN(100); {
	case n < 35:
		return endsByName
	case n < 47:
		return endsByID
	case n < 53:
		return endsWithAll
	case n < 72:
		return endsCrashed
	case n < 79:
		return endsSignalled
	case n < 85:
		return endsUnlinked
	}
	return endsKilled
}
