package aws

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// metadata is a server that speaks IMDSv2, and refuses requests without a token.
func metadata(t *testing.T, status int) {
	t.Helper()
	const token = "token-of-the-test"
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") == "" || status != http.StatusOK {
			w.WriteHeader(max(status, http.StatusBadRequest))
			return
		}
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		_, _ = w.Write([]byte(token))
	})
	mux.HandleFunc("GET /latest/dynamic/instance-identity/document", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Aws-Ec2-Metadata-Token") != token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"accountId":"111122223333","region":"eu-west-1","instanceId":"i-0a1b2c3d4e5f60718","instanceType":"c6a.2xlarge","pendingTime":"2025-11-03T08:00:00Z"}`))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
}

// TestAskMachine asks a metadata service, which wants a token.
func TestAskMachine(t *testing.T) {
	metadata(t, http.StatusOK)
	got, err := AskMachine(t.Context())
	if want := (Machine{"i-0a1b2c3d4e5f60718", "eu-west-1", "111122223333"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestAskMachineInVain wants words where there is no such service, and none of its first
// version.
func TestAskMachineInVain(t *testing.T) {
	metadata(t, http.StatusForbidden)
	_, err := AskMachine(t.Context())
	if trailhouse.CodeOf(err) != trailhouse.CodeUnavailable || !strings.Contains(err.Error(), "IMDSv2") {
		t.Errorf("%v", err)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	if _, err = AskMachine(t.Context()); trailhouse.CodeOf(err) != trailhouse.CodeUnavailable {
		t.Errorf("%v", err)
	}
	t.Logf("%v", err)
}
