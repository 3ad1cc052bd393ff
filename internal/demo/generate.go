package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/trailhouse/trailhouse"
)

// Generate writes the evidence of the hosts below dir/logs, dir/trailhouse.yaml with
// their accounts and the clients' rules, and dir/truth.json, and returns the truth.
// Files that are there are overwritten, others are left alone. progress, where not
// nil, is called after each host. CodeUsage for options that make no sense,
// CodeStorage where the disk fails.
func Generate(ctx context.Context, dir string, o Options, progress func(done, total int)) (*Truth, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	from, to := o.span()
	t := &Truth{
		Seed: o.Seed, From: from, To: to,
		Sessions: []Session{}, FailedStarts: []Attempt{}, Unresolved: []Attempt{}, Pools: []Pool{},
	}
	owners := rules(o)
	for i := range o.Hosts {
		if err := t.add(ctx, dir, newHost(o, i), i, owners); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(i+1, o.Hosts)
		}
	}
	slices.SortFunc(t.Sessions, func(a, b Session) int {
		return cmp.Or(cmp.Compare(a.Started, b.Started), cmp.Compare(a.EnclaveID, b.EnclaveID))
	})
	slices.SortFunc(t.FailedStarts, func(a, b Attempt) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.InstanceID, b.InstanceID))
	})
	t.Usage = usage(t.Sessions)
	if err := writeConfig(dir, t.Hosts, owners); err != nil {
		return nil, err
	}
	return t, WriteTruth(dir, t)
}

// add lets one host live and adds what it leaves.
func (t *Truth) add(ctx context.Context, dir string, h *host, index int, owners []rule) error {
	err := h.openFiles(dir, index)
	if err == nil {
		err = h.run(ctx)
	}
	files, closing := h.closeFiles(dir)
	if err := errors.Join(err, closing); err != nil {
		if ctx.Err() != nil {
			return trailhouse.Errorf(trailhouse.CodeInterrupted, "the demo was interrupted: %w", ctx.Err())
		}
		return err
	}
	sessions := h.sessions(owners)
	failed, unresolved := h.attempts()
	t.Sessions = append(t.Sessions, sessions...)
	t.FailedStarts = append(t.FailedStarts, failed...)
	t.Unresolved = append(t.Unresolved, unresolved...)
	if h.journal != nil {
		t.Pools = append(t.Pools, h.poolUse(sessions, failed))
	}
	t.Hosts = append(t.Hosts, Host{
		InstanceID: h.id, Account: h.account, InstanceType: h.profile.machine.name, CompleteThrough: h.through(),
	})
	t.Files = append(t.Files, files...)
	return nil
}

// openFiles makes the files of the host.
func (h *host) openFiles(dir string, index int) error {
	h.log = &logFile{layout: h.profile.layout, stream: h.id}
	if h.profile.layout == layoutRotated {
		for m := monthOf(h.from); m.to < h.to; m = monthOf(m.to) {
			h.log.cuts = append(h.log.cuts, m.to)
		}
	}
	for _, path := range h.paths(index) {
		p, err := openPart(dir, path)
		if err != nil {
			return err
		}
		h.log.parts = append(h.log.parts, p)
		if h.profile.layout == layoutEvents {
			p.put([]byte("{\n    \"events\": [\n"))
		}
	}
	if !h.profile.journal {
		return nil
	}
	p, err := openPart(dir, "logs/"+h.id+"/nitro_enclaves_allocator.journal")
	if err != nil {
		return err
	}
	h.journal = &journalFile{part: p, host: fmt.Sprintf("ip-10-0-%d-%d.ec2.internal", index/250, index%250+4)}
	return nil
}

// paths returns the files of the host's log, oldest first.
func (h *host) paths(index int) []string {
	folder := "logs/" + h.id
	switch h.profile.layout {
	case layoutRotated:
		names := []string{folder + "/nitro_enclaves.log"}
		for age := 1; age <= len(h.log.cuts); age++ {
			name := fmt.Sprintf("%s/nitro_enclaves.log.%d", folder, age)
			if age > 1 {
				name += ".gz"
			}
			names = append(names, name)
		}
		slices.Reverse(names)
		return names
	case layoutEvents:
		return []string{folder + "/filter-log-events.json"}
	case layoutEventLines:
		return []string{fmt.Sprintf("logs/cloudwatch/events-%d.jsonl", index)}
	case layoutExport:
		return []string{"logs/exportedlogs/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9/" + h.id + "/000000.gz"}
	case layoutFlat:
		return []string{fmt.Sprintf("logs/nitro_enclaves-host%d.log", index)}
	}
	return []string{folder + "/nitro_enclaves.log"}
}

// closeFiles ends the files of the host and returns what they hold.
func (h *host) closeFiles(dir string) ([]File, error) {
	parts := h.log.parts
	for _, p := range parts {
		h.log.release(p)
	}
	if h.profile.layout == layoutEvents && len(parts) > 0 {
		parts[0].put([]byte("\n    ],\n    \"searchedLogStreams\": []\n}\n"))
	}
	if h.journal != nil {
		parts = append(slices.Clone(parts), h.journal.part)
	}
	var files []File
	var errs []error
	for _, p := range parts {
		errs = append(errs, p.close(dir))
		files = append(files, p.counts)
	}
	return files, errors.Join(errs...)
}
