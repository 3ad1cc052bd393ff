package aws

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// isTagging recognises the one request of Tagged.
func isTagging(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("X-Amz-Target"), "ResourceGroupsTaggingAPI")
}

// volume makes a volume with a tag and returns its id.
func volume(t *testing.T, server, key, value string) string {
	t.Helper()
	form := url.Values{
		"Action": {"CreateVolume"}, "Version": {"2016-11-15"}, "AvailabilityZone": {"us-east-1a"}, "Size": {"5"},
		"TagSpecification.1.ResourceType": {"volume"}, "TagSpecification.1.Tag.1.Key": {key}, "TagSpecification.1.Tag.1.Value": {value},
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	_, rest, ok := strings.Cut(string(said), "<volumeId>")
	if err != nil || !ok {
		t.Fatalf("%s %v", said, err)
	}
	id, _, _ := strings.Cut(rest, "<")
	return id
}

func TestTagged(t *testing.T) {
	if testing.Short() {
		t.Skip("the emulator needs long for its first answer")
	}
	server := testkit.Moto(t)
	stack := fmt.Sprint("stack-", time.Now().UnixNano())
	id := volume(t, server, "trailhouse:stack", stack)
	volume(t, server, "trailhouse:stack", "another")
	group := "/tagged/" + stack
	testkit.LogsCall(t, server, "CreateLogGroup", map[string]any{"logGroupName": group, "tags": map[string]string{"trailhouse:stack": stack}})
	s, err := Open(t.Context(), Options{Endpoint: server, IdleTimeout: time.Minute}) // the emulator looks for all services first
	if err != nil {
		t.Fatal(err)
	}
	arns, err := s.Tagged(t.Context(), time.Now, "trailhouse:stack", stack)
	slices.Sort(arns)
	if err != nil || len(arns) != 2 || !strings.HasSuffix(arns[0], ":volume/"+id) || !strings.Contains(arns[1], ":log-group:"+group) {
		t.Errorf("%q, %v", arns, err)
	}
}

func TestTaggedThroughFaults(t *testing.T) {
	testkit.Credentials(t)
	p := testkit.NewProxy(t, "http://127.0.0.1:1")
	s := open(t, p.URL)
	ask := func() ([]string, error) { return s.Tagged(t.Context(), time.Now, "k", "v") }

	p.Fail(func(n int, r *http.Request) testkit.Fault {
		if !isTagging(r) || !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/tagging/aws4_request") {
			t.Errorf("request %s", r.Header)
		}
		next := map[bool]string{true: "more", false: ""}[n < 3]
		return testkit.Answer(200, fmt.Sprintf(`{"PaginationToken":%q,"ResourceTagMappingList":[{"ResourceARN":"arn:%d"}]}`, next, n))
	})
	if arns, err := ask(); err != nil || strings.Join(arns, " ") != "arn:1 arn:2 arn:3" {
		t.Errorf("%q, %v", arns, err)
	}
	p.Fail(each(isTagging, testkit.Answer(400, `{"__type":"AccessDeniedException","Message":"User: arn:aws:iam::1:user/x is not authorized to perform: tag:GetResources"}`)))
	_, err := ask()
	expect(t, err, trailhouse.CodeDenied, "permission tag:GetResources on * is missing")
	p.Fail(each(isTagging, testkit.Answer(400, `{"__type":"com.amazon#ExpiredTokenException","message":"expired"}`)))
	_, err = ask()
	expect(t, err, trailhouse.CodeCredentials, "expired")
	p.Fail(each(isTagging, testkit.Answer(500, `<html>`)))
	_, err = ask()
	expect(t, err, trailhouse.CodeUnavailable)
	p.Fail(each(isTagging, testkit.Answer(200, `{"PaginationToken":"again"}`)))
	_, err = ask()
	expect(t, err, trailhouse.CodeUnavailable, "does not come to an end")
}
