package trail

import "fmt"

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
		add(classUser, "", arn, userIdentity(id, arn, account, string(c.upper([]byte("AKIA"), 16)), name, ""), toolAgents()...)
		add(classConsole, "", arn, userIdentity(id, arn, account, "<temporary>", name, "true"), consoleAgents()...)
	}
	for i := range 8 {
		set := [...]string{"AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "Billing"}[i%4]
		role := "AWSReservedSSO_" + set + "_" + string(c.hex(nil, 16))
		session := o.people[(i*3+cell.index)%len(o.people)] + "@example.com"
		add(classPerson, "", sessionARN(account, role, session),
			roleIdentity(c, account, role, session, "aws-reserved/sso.amazonaws.com/"), append(consoleAgents(), toolAgents()...)...)
	}
	for i, session := range []string{"GitHubActions", "codebuild-" + cell.pools[regStack][0], "terraform-cloud"} {
		role := []string{"ci-deploy", "codebuild-service-role", "terraform-apply"}[i]
		add(classPipeline, "", sessionARN(account, role, session), roleIdentity(c, account, role, session, ""), toolAgents()[i:]...)
	}
	for i := range 8 {
		role, session := cell.pools[regRole][i/2], cell.pools[regInstance][i]
		identity := roleIdentity(c, account, role, session, "")
		identity = identity[:len(identity)-2] + `,"ec2RoleDelivery":"2.0"}}`
		add(classHost, "", sessionARN(account, role, session), identity, programAgents()...)
	}
	for i := range 8 {
		role, session := "lambda-"+cell.pools[regRole][i], cell.pools[regFunction][i]
		add(classFunction, "", sessionARN(account, role, session), roleIdentity(c, account, role, session, "service-role/"), functionAgents()...)
	}
	add(classRoot, "", "arn:aws:iam::"+account+":root", rootIdentity(account), consoleAgents()...)
	add(classWeb, "", "", webIdentity(account, cell.pools[regStack][0]), programAgents()...)
	add(classForeign, "", "", `{"type":"AWSAccount","principalId":"`+string(c.upper([]byte("AIDA"), 17))+`","accountId":"998877665544"}`, programAgents()...)
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
		identity: compile(identity[:len(identity)-2] + `,"ec2RoleDelivery":"2.0"}}`), agents: programAgents()[3:],
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

func toolAgents() []string {
	return []string{
		`APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.76.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.5`,
		`aws-cli/2.17.44 md/awscrt#0.21.2 ua/2.0 os/linux#6.1.109-118.189.amzn2023.x86_64 md/arch#x86_64 lang/python#3.11.9 cfg/retry-mode#standard md/prompt#off`,
		`Boto3/1.35.66 md/Botocore#1.35.66 ua/2.0 os/linux#5.10.226-214.880.amzn2.x86_64 md/arch#x86_64 lang/python#3.12.7 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.35.66`,
		`aws-cli/1.29.85 Python/3.9.20 Linux/6.1.112-122.189.amzn2023.x86_64 botocore/1.31.85`,
	}
}

func consoleAgents() []string {
	return []string{
		`Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36`,
		`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15`,
		`[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10.225-191.878.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.422-b05 java/1.8.0_422 vendor/N/A cfg/retry-mode/standard]`,
		`AWS Internal`,
	}
}

func programAgents() []string {
	return []string{
		`aws-sdk-go-v2/1.30.3 ua/2.0 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#arm64 api/s3#1.58.2 m/E,b`,
		`aws-sdk-java/2.28.11 md/io#sync md/http#Apache ua/2.0 os/Linux#6.1.109 lang/java#21.0.4 md/OpenJDK_64-Bit_Server_VM#21.0.4+7-LTS md/vendor#Amazon.com_Inc. exec-env/AWS_ECS_FARGATE cfg/retry-mode#standard`,
		`aws-sdk-js/3.682.0 ua/2.1 os/linux#5.10.227 lang/js md/nodejs#20.18.0 api/dynamodb#3.682.0 exec-env/AWS_ECS_EC2 m/D,E`,
		`aws-sdk-rust/1.3.3 ua/2.1 api/kms/1.45.0 os/linux lang/rust/1.81.0`,
		`aws-sdk-go/1.55.5 (go1.22.7; linux; amd64) amazon-ssm-agent/3.3.987.0`,
		`aws-nitro-enclaves-sdk-c/0.4.2 kmstool \"enclave\"`,
	}
}

func functionAgents() []string {
	return []string{
		`Boto3/1.35.41 md/Botocore#1.35.41 ua/2.0 os/linux#5.10.227-239.884.amzn2.x86_64 md/arch#aarch64 lang/python#3.12.7 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 cfg/retry-mode#legacy`,
		`aws-sdk-js/3.632.0 ua/2.0 os/linux#5.10.225 lang/js md/nodejs#20.18.0 md/crt-avail api/sqs#3.632.0 exec-env/AWS_Lambda_nodejs20.x`,
	}
}
