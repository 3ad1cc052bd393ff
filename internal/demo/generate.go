package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/demo/trail"
)

// Generate writes the evidence of the hosts below dir/logs, the organisation's trail
// below dir/trail, dir/trailhouse.yaml with the hosts' accounts and the clients' rules,
// and dir/truth.json, and returns the truth. Files that are there are overwritten,
// others are left alone. progress, where not nil, is called after each host and after
// the trail. CodeUsage for options that make no sense, CodeStorage where the disk fails.
func Generate(ctx context.Context, dir string, o Options, progress func(done, total int)) (*Truth, error) {
	if progress == nil {
		progress = func(int, int) {}
	}
	t, err := simulate(ctx, dir, o, func(hosts int) { progress(hosts, o.Hosts+1) })
	if err != nil {
		return nil, err
	}
	if t.Trail, err = trail.Generate(ctx, dir, o.trail(t), nil); err != nil {
		return nil, err
	}
	progress(o.Hosts+1, o.Hosts+1)
	t.judge(o)
	if err := writeConfig(dir, t.Hosts, rules(o), approvedImages(o)); err != nil {
		return nil, err
	}
	return t, WriteTruth(dir, t)
}

// GenerateTrail writes only what Generate writes below dir/trail, byte for byte, and a
// dir/truth.json that has nothing but it. progress, where not nil, is called with the
// events that are done and those that are asked for. Memory does not depend on how many
// they are. Errors are those of Generate.
func GenerateTrail(ctx context.Context, dir string, o Options, progress func(done, total int64)) (*Truth, error) {
	logged, err := simulate(ctx, "", o, func(int) {})
	if err != nil {
		return nil, err
	}
	t := o.truth()
	if t.Trail, err = trail.Generate(ctx, dir, o.trail(logged), progress); err != nil {
		return nil, err
	}
	return t, WriteTruth(dir, t)
}

// truth returns the truth about nothing.
func (o Options) truth() *Truth {
	from, to := o.span()
	return &Truth{
		Seed: o.Seed, From: from, To: to, Sessions: []Session{}, FailedStarts: []Attempt{}, Unresolved: []Attempt{},
		Usage: []Usage{}, Pools: []Pool{}, Hosts: []Host{}, Files: []File{},
	}
}

// simulate lets the hosts live. Without a folder nobody keeps their logs.
func simulate(ctx context.Context, dir string, o Options, progress func(hosts int)) (*Truth, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	t := o.truth()
	owners := rules(o)
	for i := range o.Hosts {
		if err := t.add(ctx, dir, newHost(o, i), i, owners); err != nil {
			return nil, err
		}
		progress(i + 1)
	}
	slices.SortFunc(t.Sessions, func(a, b Session) int {
		return cmp.Or(cmp.Compare(a.Started, b.Started), cmp.Compare(a.EnclaveID, b.EnclaveID))
	})
	slices.SortFunc(t.FailedStarts, func(a, b Attempt) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.InstanceID, b.InstanceID))
	})
	t.Usage = usage(t.Sessions)
	return t, nil
}

// trail returns the options of the trail that fits the logs. Of an enclave whose start
// the log does not show the image is not known, and nothing is said about it.
func (o Options) trail(logged *Truth) trail.Options {
	out := trail.Options{Seed: o.Seed, From: logged.From.Time(), To: logged.To.Time(), Events: o.Events}
	for _, h := range logged.Hosts {
		out.Hosts = append(out.Hosts, trail.Host{InstanceID: h.InstanceID, Account: h.Account, InstanceType: h.InstanceType})
	}
	silent := 0
	for _, s := range logged.Sessions {
		if s.EIFPath == nil || s.Debug == nil {
			continue
		}
		life := trail.Session{
			InstanceID: s.InstanceID, Slot: strings.TrimPrefix(s.EnclaveID, s.InstanceID+"-enc"),
			From: s.Started.Time(), To: s.StopNotBefore.Time(), Image: *s.EIFPath, Debug: *s.Debug, Ended: s.Stop != 0, Client: s.Client,
		}
		if s.Client == careful {
			life.Silent = silent < silentSessions && s.Ready != 0 && s.Stop != 0
			life.Always = !life.Silent
			if life.Silent {
				silent++
			}
		}
		out.Sessions = append(out.Sessions, life)
	}
	return out
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
