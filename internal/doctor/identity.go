package doctor

import (
	"context"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/access"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/config"
)

// Bounds of a check: whoever runs doctor waits for it.
const (
	attempts    = 2
	idleTimeout = 10 * time.Second
)

// AWS refuses requests whose clock is more than 5 to 15 minutes off, as the service likes.
const (
	skewWarn = 30 * time.Second
	skewFail = 5 * time.Minute
)

// identity is one who we are, with what was found of it.
type identity struct {
	session *aws.Session
	caller  aws.Caller
	known   bool // requests can be made
	objects map[string]string
	hidden  map[string]bool            // folders that could not be listed
	streams map[string][]aws.LogStream // by region and group
}

// identity finds out who the need's settings make us, once for each.
func (e *examination) identity(ctx context.Context, n access.Need) {
	if e.identities[n.As] != nil {
		return
	}
	id := &identity{objects: map[string]string{}, hidden: map[string]bool{}, streams: map[string][]aws.LogStream{}}
	e.identities[n.As] = id
	session, err := e.open(ctx, n.As)
	if err != nil {
		e.fail("credentials", n.Place, err)
		return
	}
	id.session = session
	id.caller, err = session.Caller(ctx)
	e.clock(n.Place)
	switch missing, denied := aws.IsMissing(err); {
	case denied && n.As.RoleARN != "" && missing.Action == aws.ActionAssumeRole:
		e.noRole(ctx, n, missing, err)
	case denied: // what imports and deliveries need is tried all the same
		id.known = true
		e.report(Check{
			Result: Warn, Name: "credentials", Place: n.Place, Action: aws.ActionGetCallerIdentity, Resource: missing.Resource, Principal: n.Principal(),
			Text: "who " + session.Who() + " is cannot be asked: " + err.Error(),
			Hint: "imports and deliveries do not need it; AWS allows it to everyone, so a policy denies it expressly: look for the statement if that is not meant",
		})
	case err != nil && n.As.Endpoint != "" && !aws.IsExpired(err) && trailhouse.CodeOf(err) != trailhouse.CodeInterrupted:
		// Servers that speak S3 rarely tell who one is; what they allow is tried all the same.
		id.known = true
		e.warn("credentials", n.Place, "nothing to do if the endpoint has no STS", "who %s is cannot be asked: %v", session.Who(), err)
	case err != nil:
		e.fail("credentials", n.Place, err)
	default:
		id.known = true
		if e.tried["who "+id.caller.ARN] {
			return
		}
		e.tried["who "+id.caller.ARN] = true
		e.ok("credentials", n.Place, "%s, account %s", id.caller.ARN, id.caller.Account)
		if n.As.RoleARN != "" {
			e.ok(aws.ActionAssumeRole, n.Place, "%s can be assumed", n.As.RoleARN)
		}
	}
}

// noRole reports a role that may not be assumed, with who tried to.
func (e *examination) noRole(ctx context.Context, n access.Need, m *aws.MissingPermission, err error) {
	n.Action = aws.ActionAssumeRole
	n.As.RoleARN, n.As.ExternalID = "", ""
	base := &identity{}
	if session, failed := e.open(ctx, n.As); failed == nil {
		base.caller, _ = session.Caller(ctx) // without an answer the settings name who it is
	}
	e.missing(n, base, m, err)
}

// open makes a session as the settings say, with less patience.
func (e *examination) open(ctx context.Context, a config.AWS) (*aws.Session, error) {
	return aws.Open(ctx, aws.Options{
		Profile: a.Profile, RoleARN: a.RoleARN, ExternalID: a.ExternalID, SessionName: a.SessionName,
		Region: a.Region, Endpoint: a.Endpoint, PathStyle: a.PathStyle,
		Attempts: attempts, MaxBackoff: time.Second, IdleTimeout: idleTimeout,
		Answered: e.answered,
	})
}

// answered compares the machine's clock with that of the first server that answers.
func (e *examination) answered(server time.Time) {
	skew := e.Clock.Now().Sub(server).Round(time.Second)
	e.skew.CompareAndSwap(nil, &skew)
}

// clock tells once how far this machine's clock is off, as soon as that is known.
func (e *examination) clock(place string) {
	known := e.skew.Load()
	if known == nil || e.tried["clock"] {
		return
	}
	e.tried["clock"] = true
	const name, hint = "clock", "set this machine's clock by NTP"
	skew := *known
	off := skew.Abs()
	switch {
	case off >= skewFail:
		skew = skew.Round(time.Minute)
		e.fail(name, place, trailhouse.Errorf(trailhouse.CodeCredentials, "this machine's clock is %s the one of AWS, which refuses requests so", ahead(skew)).WithHint(hint))
	case off >= skewWarn:
		e.warn(name, place, hint, "this machine's clock is %s the one of AWS", ahead(skew))
	default:
		e.ok(name, place, "within %s of the one of AWS", skewWarn)
	}
}

func ahead(skew time.Duration) string {
	if skew < 0 {
		return (-skew).String() + " behind"
	}
	return skew.String() + " ahead of"
}

// principal names whose permission a need is about: as AWS says, else as the settings do.
func (id *identity) principal(n access.Need) string {
	if id.caller.ARN == "" {
		return n.Principal()
	}
	return id.caller.ARN
}

// lacking says that a permission is missing, and whose.
func (id *identity) lacking(n access.Need, m *aws.MissingPermission) string {
	text := m.Error() + " for " + id.principal(n)
	if id.caller.Account != "" {
		text += " of account " + id.caller.Account
	}
	return text
}

// missing reports a permission that is missing, and whose.
func (e *examination) missing(n access.Need, id *identity, m *aws.MissingPermission, err error) {
	who := id.principal(n)
	hint := trailhouse.HintOf(err)
	switch m.Action {
	case aws.ActionAssumeRole:
		hint = "allow " + m.Action + " on the role in the policy of " + who + ", and name " + who + " in the role's trust policy"
	case n.Action:
		hint = "trailhouse setup policy prints the whole policy; where it is in place, look at the policies of the bucket, key or organisation"
	}
	e.report(Check{
		Result: Fail, Name: n.Action, Place: n.Place, Text: id.lacking(n, m), Hint: hint,
		Action: m.Action, Resource: m.Resource, Account: id.caller.Account, Principal: who,
	})
}
