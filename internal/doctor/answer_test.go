package doctor

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse/internal/access"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// nowhere is an address that nobody listens to.
const nowhere = "http://127.0.0.1:1"

// TestNobodyKnowsWho: where STS gives no answer, permissions are missing for the credentials
// that are configured, and the clock is compared with that of the servers that answer.
func TestNobodyKnowsWho(t *testing.T) {
	a := newAccount(t)
	t.Setenv("AWS_ENDPOINT_URL_STS", nowhere)
	for _, action := range []string{aws.ActionGetObject, aws.ActionListBucket, aws.ActionDescribeLogGroups, aws.ActionPublish} {
		a.proxy.Fail(without(action))
		all := examine(t, a.config, nil)
		said := table(all)
		if !strings.Contains(said, "ok clock (sources[1])") || !strings.Contains(said, "warn credentials") {
			t.Errorf("%s:\n%s", action, said)
		}
		for _, c := range all {
			if c.Action == "" {
				continue
			}
			if c.Principal != access.DefaultPrincipal || c.Account != "" || !strings.Contains(c.Text, "is missing for "+access.DefaultPrincipal) || strings.Contains(c.Text, "account") {
				t.Errorf("%s: %+v", action, c)
			}
		}
		if !strings.Contains(said, "["+action+"]") {
			t.Errorf("%s is not told:\n%s", action, said)
		}
	}
}

// TestClockWithoutAnswer: that nothing is known of the clock is told.
func TestClockWithoutAnswer(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_STS", nowhere)
	testkit.Moto(t) // for its credentials
	said := table(examine(t, fmt.Sprintf("aws: {endpoint: %q}\nsources:\n  - {source: cloudtrail, path: \"s3://nobody/x\"}\n", nowhere), nil))
	if !strings.Contains(said, "warn clock (): not compared") {
		t.Errorf("\n%s", said)
	}
}

// TestExpiredCredentials: credentials that have expired are told once, with where they are
// from, and no permission is asked for.
func TestExpiredCredentials(t *testing.T) {
	a := newAccount(t)
	sts := a.proxy.URL
	a.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		switch service, _, _ := strings.Cut(actionOf(r), ":"); service {
		case "logs":
			return testkit.Answer(400, `{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}`)
		case "s3":
			return testkit.Answer(400, testkit.ErrorXML("ExpiredToken", "The provided token has expired."))
		}
		return testkit.Answer(403, `<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error></ErrorResponse>`)
	})
	trail := `{source: cloudtrail, path: "s3://` + a.bucket + `/AWSLogs"}`
	logs := `{source: enclave-log, log_group: "/aws/nitro*"}`
	for _, source := range []string{trail, logs} {
		for _, at := range []string{sts, nowhere} {
			t.Setenv("AWS_ENDPOINT_URL_STS", at)
			said := table(not(examine(t, fmt.Sprintf("aws: {endpoint: %q, region: us-east-1}\nsources:\n  - %s\n", a.proxy.URL, source), nil)))
			if strings.Count(said, "fail credentials (sources[1]): no valid credentials: the default credentials: they have expired: ") != 1 ||
				!strings.Contains(said, "renew them") || strings.Contains(said, "allow ") || strings.Contains(said, "nothing to do") != (at == nowhere) {
				t.Errorf("%s, STS at %s:\n%s", source, at, said)
			}
		}
	}
}

// TestGroupsThatCannotBeListed: only where the permission is missing is it asked for.
func TestGroupsThatCannotBeListed(t *testing.T) {
	a := newAccount(t)
	for want, fault := range map[string]testkit.Fault{
		"allow logs:DescribeLogGroups first": deny(aws.ActionDescribeLogGroups),
		"the service is away":                testkit.Answer(503, `{"__type":"ServiceUnavailableException","message":"the service is away"}`),
	} {
		allowed := without("")
		a.proxy.Fail(func(n int, r *http.Request) testkit.Fault {
			if actionOf(r) == aws.ActionDescribeLogGroups {
				return fault
			}
			return allowed(n, r)
		})
		said := table(not(examine(t, strings.Replace(a.config, a.group, "/aws/nitro*", 1), nil)))
		_, streams, _ := strings.Cut(said, "warn "+aws.ActionDescribeLogStreams)
		if !strings.Contains(streams, want) || strings.Contains(streams, "allow") != strings.Contains(want, "allow") {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
}
