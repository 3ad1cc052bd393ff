package trail

import (
	"fmt"

	"github.com/trailhouse/trailhouse/internal/demo/trail/cast"
)

// class is a kind of caller. A call says by its letters who makes it.
type class int

const (
	classUser     class = iota // u: IAM user with a key
	classConsole               // k: IAM user in the console
	classPerson                // s: person with a role by single sign-on
	classPipeline              // c: build or deployment
	classHost                  // h: program on an EC2 instance
	classFunction              // l: Lambda function
	classRoot                  // r: root of the account
	classWeb                   // w: web identity
	classForeign               // x: account outside the organisation
	classService               // v: a service; the call says which
	classCount
)

const classLetters = "ukschlrwxv"

// caller is somebody who makes calls.
type caller struct {
	arn      string // what userIdentity.arn says, or nothing
	class    class
	index    int      // among all callers
	identity template // userIdentity
	agents   []string // escaped for JSON
	// service is what calls on behalf of the caller; it stands for address and agent.
	service string
}

// callers numbers callers.
type callers struct{ all []*caller }

// since returns when the session began in which the caller is at an instant: sessions
// last some hours.
func (c *caller) since(at int64) int64 {
	length := hour + int64(c.index%7)*hour/2
	return at - (at+int64(c.index)*977)%length
}

// key appends the temporary access key of that session.
func (c *caller) key(b []byte, at int64) []byte {
	x := uint64(c.since(at))*0x9e3779b97f4a7c15 ^ uint64(c.index)*0xd1342543de82ef95
	b = append(b, "ASIA"...)
	for range 16 {
		x = x*6364136223846793005 + 1442695040888963407
		b = append(b, upperText[x>>59])
	}
	return b
}

// hire adds the callers of a cell.
func (o *organisation) hire(c chance, cell *cell) {
	account := cell.account
	add := func(k class, service, arn, identity string, agents ...string) {
		who := &caller{arn: arn, class: k, index: len(o.all), identity: compile(identity), agents: agents, service: service}
		o.all = append(o.all, who)
		cell.callers[k] = append(cell.callers[k], who)
	}
	for i := range 4 {
		name := o.people[(i*5+cell.index)%len(o.people)]
		arn := "arn:aws:iam::" + account + ":user/" + name
		id := string(c.upper([]byte("AIDA"), 17))
		add(classUser, "", arn, userIdentity(id, arn, account, string(c.upper([]byte("AKIA"), 16)), name, ""), cast.Tools()...)
		add(classConsole, "", arn, userIdentity(id, arn, account, "<temporary>", name, "true"), cast.Consoles()...)
	}
	for i := range 8 {
		set := [...]string{"AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "Billing"}[i%4]
		role := "AWSReservedSSO_" + set + "_" + string(c.hex(nil, 16))
		session := o.people[(i*3+cell.index)%len(o.people)] + "@example.com"
		add(classPerson, "", sessionARN(account, role, session),
			roleIdentity(c, account, role, session, "aws-reserved/sso.amazonaws.com/"), append(cast.Consoles(), cast.Tools()...)...)
	}
	for i, session := range []string{"GitHubActions", "codebuild-" + cell.pools[regStack][0], "terraform-cloud"} {
		role := []string{"ci-deploy", "codebuild-service-role", "terraform-apply"}[i]
		add(classPipeline, "", sessionARN(account, role, session), roleIdentity(c, account, role, session, ""), cast.Tools()[i:]...)
	}
	for i := range 8 {
		role, session := cell.pools[regRole][i/2], cell.pools[regInstance][i]
		identity := roleIdentity(c, account, role, session, "")
		identity = identity[:len(identity)-2] + `,"ec2RoleDelivery":"2.0"}}`
		add(classHost, "", sessionARN(account, role, session), identity, cast.Programs()...)
	}
	for i := range 8 {
		role, session := "lambda-"+cell.pools[regRole][i], cell.pools[regFunction][i]
		add(classFunction, "", sessionARN(account, role, session), roleIdentity(c, account, role, session, "service-role/"), cast.Functions()...)
	}
	add(classRoot, "", "arn:aws:iam::"+account+":root", rootIdentity(account), cast.Consoles()...)
	add(classWeb, "", "", webIdentity(account, cell.pools[regStack][0]), cast.Programs()...)
	add(classForeign, "", "", `{"type":"AWSAccount","principalId":"`+string(c.upper([]byte("AIDA"), 17))+`","accountId":"998877665544"}`, cast.Programs()...)
}

// serviceCaller returns a service that calls by itself.
func (o *organisation) serviceCaller(cell *cell, service string) *caller {
	for _, c := range cell.callers[classService] {
		if c.service == service {
			return c
		}
	}
	c := &caller{class: classService, index: len(o.all), identity: compile(`{"type":"AWSService","invokedBy":"` + service + `"}`), service: service}
	o.all = append(o.all, c)
	cell.callers[classService] = append(cell.callers[classService], c)
	return c
}

// linkedCaller returns a service-linked role, through which the service calls
// (facts/cloudtrail.md 2.4, 1).
func linkedCaller(c chance, account, role, session, service string) *caller {
	identity := roleIdentity(c, account, role, session, "aws-service-role/"+service+"/")
	return &caller{
		arn: sessionARN(account, role, session), class: classService, service: service,
		identity: compile(identity[:len(identity)-1] + `,"invokedBy":"` + service + `"}`),
	}
}

// roleSession returns a session of a role on an instance.
func roleSession(c chance, account, role, session string) *caller {
	identity := roleIdentity(c, account, role, session, "")
	return &caller{
		arn: sessionARN(account, role, session), class: classHost,
		identity: compile(identity[:len(identity)-2] + `,"ec2RoleDelivery":"2.0"}}`), agents: cast.Programs()[3:],
	}
}

func sessionARN(account, role, session string) string {
	return "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session
}

// userIdentity returns the JSON of an IAM user; mfa is empty for one with a key.
func userIdentity(id, arn, account, key, name, mfa string) string {
	session := ""
	if mfa != "" {
		session = `,"sessionContext":{"sessionIssuer":{},"webIdFederationData":{},"attributes":{"creationDate":"<since>","mfaAuthenticated":"` + mfa + `"}}`
	}
	return fmt.Sprintf(`{"type":"IAMUser","principalId":%q,"arn":%q,"accountId":%q,"accessKeyId":%q,"userName":%q%s}`, id, arn, account, key, name, session)
}

// roleIdentity returns the JSON of a session of a role. Its last two braces end the
// session's context and the whole.
func roleIdentity(c chance, account, role, session, path string) string {
	id := string(c.upper([]byte("AROA"), 17))
	return fmt.Sprintf(`{"type":"AssumedRole","principalId":"%s:%s","arn":%q,"accountId":%q,"accessKeyId":"<temporary>","sessionContext":{`+
		`"sessionIssuer":{"type":"Role","principalId":%q,"arn":"arn:aws:iam::%s:role/%s%s","accountId":%q,"userName":%q},`+
		`"attributes":{"creationDate":"<since>","mfaAuthenticated":"false"}}}`,
		id, session, sessionARN(account, role, session), account, id, account, path, role, account, role)
}

func rootIdentity(account string) string {
	return fmt.Sprintf(`{"type":"Root","principalId":%q,"arn":"arn:aws:iam::%s:root","accountId":%q,"accessKeyId":""}`, account, account, account)
}

func webIdentity(account, repository string) string {
	return fmt.Sprintf(`{"type":"WebIdentityUser","principalId":"arn:aws:iam::%s:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:`+
		`repo:example-corp/%s:ref:refs/heads/main","userName":"repo:example-corp/%s:ref:refs/heads/main","identityProvider":`+
		`"arn:aws:iam::%s:oidc-provider/token.actions.githubusercontent.com"}`, account, repository, repository, account)
}
