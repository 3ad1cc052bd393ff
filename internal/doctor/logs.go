package doctor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/access"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// goneAfter is how many times SilentAfter a host must have been silent to be taken for one
// that is no more: streams stay long after their hosts.
const goneAfter = 10

// logGroups are the groups of a pattern.
func (e *examination) logGroups(ctx context.Context, id *identity, n access.Need) ([]aws.LogGroup, error) {
	var found []aws.LogGroup
	plain, _, _ := strings.Cut(strings.ReplaceAll(n.Group, "?", "*"), "*")
	match := pattern(n.Group)
	err := id.session.Logs(n.Region).Groups(ctx, plain, func(g aws.LogGroup) error {
		if match.MatchString(g.Name) {
			found = append(found, g)
		}
		return nil
	})
	return found, err
}

// pattern returns the expression of a pattern: * is any text and ? any character.
func pattern(text string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(text)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile("^" + quoted + "$")
}

// names returns the names of the groups of a need; where they cannot be listed, the
// pattern itself if it is a name.
func (e *examination) names(ctx context.Context, id *identity, n access.Need) ([]string, error) {
	groups, err := e.logGroups(ctx, id, n)
	_, denied := aws.IsMissing(err)
	switch {
	case err == nil:
	case !strings.ContainsAny(n.Group, "*?"):
		return []string{n.Group}, nil
	case !denied:
		e.warn(n.Action, n.Place, trailhouse.HintOf(err), "not tried: the groups of %s cannot be listed: %v", n.Group, err)
		return nil, errTold
	default:
		e.warn(n.Action, n.Place, "allow "+aws.ActionDescribeLogGroups+" first", "not tried: the groups of %s cannot be listed", n.Group)
		return nil, errTold
	}
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
	}
	if len(names) == 0 {
		return nil, errTold // told by groups
	}
	return names, nil
}

// groups looks whether there are groups and whether they keep lines long enough to be read
// late.
func (e *examination) groups(ctx context.Context, id *identity, n access.Need) (string, error) {
	found, err := e.logGroups(ctx, id, n)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", trailhouse.Errorf(trailhouse.CodeNotFound, "there is no log group %s in %s", n.Group, id.session.Logs(n.Region).Region()).
			WithHint("check name, region and account; trailhouse setup cloudwatch-agent prints what makes hosts write it")
	}
	kept := make([]string, 0, len(found))
	for _, g := range found {
		days := "for ever"
		if g.RetentionDays > 0 {
			days = fmt.Sprintf("%d days", g.RetentionDays)
		}
		if g.RetentionDays > 0 && int64(g.RetentionDays) < n.As.LookBackDays {
			e.fail("retention", n.Place, trailhouse.Errorf(trailhouse.CodeUsage, "%s keeps lines for %d days, and %d are looked at again: those between are gone", g.Name, g.RetentionDays, n.As.LookBackDays).
				WithHint("keep lines longer, or look back less (look_back_days)"))
		}
		kept = append(kept, g.Name+" (kept "+days+")")
	}
	return "found " + strings.Join(kept, ", "), nil
}

// streams looks at the hosts of the groups: which are silent.
func (e *examination) streams(ctx context.Context, id *identity, n access.Need) (string, error) {
	names, err := e.names(ctx, id, n)
	if err != nil {
		return "", err
	}
	now := e.Clock.Now()
	var silent []string
	var hosts, gone, odd int
	for _, group := range names {
		err := id.session.Logs(n.Region).Streams(ctx, group, func(s aws.LogStream) error {
			hosts++
			id.streams[n.Region+" "+group] = append(id.streams[n.Region+" "+group], s)
			if !isInstance.MatchString(s.Name) {
				odd++
			}
			last := lastOf(s)
			switch quiet := now.Sub(last); {
			case quiet > goneAfter*e.SilentAfter:
				gone++
			case quiet > e.SilentAfter:
				silent = append(silent, s.Name+" since "+last.Format(time.DateOnly))
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	e.hosts(n, hosts, gone, odd, silent)
	return fmt.Sprintf("%d hosts in %s, %d of them silent for long", hosts, strings.Join(names, ", "), gone), nil
}

// isInstance is the name of a stream that is an instance id.
var isInstance = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)

// hosts says what is odd about the hosts of a source.
func (e *examination) hosts(n access.Need, hosts, gone, odd int, silent []string) {
	switch {
	case hosts == 0:
		e.warn("hosts", n.Place, "trailhouse setup cloudwatch-agent prints what makes hosts write", "no host has written to %s yet", n.Group)
	case gone == hosts:
		e.warn("hosts", n.Place, "look at the CloudWatch agents of the hosts", "no host has written to %s for %d days", n.Group, int(goneAfter*e.SilentAfter/(24*time.Hour)))
	case len(silent) > 0:
		slices.Sort(silent)
		shown := strings.Join(silent[:min(len(silent), 5)], ", ")
		e.warn("hosts", n.Place, "a host writes when enclaves start and end; if they did, look at its CloudWatch agent and at RUST_LOG",
			"%d of %d hosts wrote nothing for more than %d days: %s", len(silent), hosts, int(e.SilentAfter/(24*time.Hour)), shown)
	}
	if odd > 0 {
		e.warn("hosts", n.Place, "make the stream's name {instance_id} in the agents' configuration; trailhouse setup cloudwatch-agent --check finds it",
			"%d of %d streams are not named after an instance: records in them that name no enclave belong to no host", odd, hosts)
	}
}

// lastOf returns when a stream was last written to, as the service tells it.
func lastOf(s aws.LogStream) time.Time {
	return time.UnixMilli(max(s.LastEvent, s.LastIngestion)).UTC()
}

// events asks for lines of the host that wrote last, or of one that is not there.
func (e *examination) events(ctx context.Context, id *identity, n access.Need) (string, error) {
	names, err := e.names(ctx, id, n)
	if err != nil {
		return "", err
	}
	for _, group := range names {
		stream, from := nobody, e.Clock.Now().Add(-time.Hour)
		all := id.streams[n.Region+" "+group]
		if len(all) > 0 {
			newest := slices.MaxFunc(all, func(a, b aws.LogStream) int { return lastOf(a).Compare(lastOf(b)) })
			stream = newest.Name
			if last := lastOf(newest).Add(-time.Minute); last.Before(from) {
				from = last
			}
		}
		fromAgent := false
		err := id.session.Logs(n.Region).Events(ctx, group, stream, max(1, from.UnixMilli()), func(page []aws.LogEvent) error {
			fromAgent = slices.ContainsFunc(page, func(l aws.LogEvent) bool { return strings.HasPrefix(l.Message, trailhouse.AgentPrefix) })
			return errTold
		})
		gone := stream == nobody && trailhouse.CodeOf(err) == trailhouse.CodeNotFound
		if err != nil && !errors.Is(err, errTold) && !gone {
			return "", err
		}
		if fromAgent {
			e.agents(n, group, all)
		}
	}
	return "lines of " + strings.Join(names, ", ") + " can be read", nil
}

// agentSilent is how long trailhouse agent, which writes every few minutes, may write
// nothing until it is told. The service tells of the last event within an hour or so.
const agentSilent = 3 * time.Hour

// agents tells of hosts whose agent went silent, in a group that such agents write to:
// nobody sees an enclave there that is killed.
func (e *examination) agents(n access.Need, group string, all []aws.LogStream) {
	var silent []string
	for _, s := range all {
		if quiet := e.Clock.Now().Sub(lastOf(s)); quiet > agentSilent && quiet <= e.SilentAfter {
			silent = append(silent, s.Name+" since "+lastOf(s).Format(time.RFC3339))
		}
	}
	if len(silent) == 0 {
		return
	}
	slices.Sort(silent)
	e.warn("agents", n.Place, "look at trailhouse-agent.service on the host, unless the host is no more",
		"%d of %d agents that write to %s wrote nothing for more than %d hours: %s", len(silent), len(all), group, int(agentSilent/time.Hour), strings.Join(silent[:min(len(silent), 5)], ", "))
}
