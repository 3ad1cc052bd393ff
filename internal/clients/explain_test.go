package clients_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse/internal/clients"
)

// TestExplanationJSON holds the keys that scripts read, and the form of instants.
func TestExplanationJSON(t *testing.T) {
	e := clients.Explanation{
		SessionID: "i-1-enc1a", EnclaveID: "i-1-enc1a", Instance: "i-1", Name: "acme", EIF: "/e",
		At: time.Date(2025, 11, 3, 9, 0, 0, 0, time.FixedZone("", 3600)), Client: "acme", Rule: 1,
		Rules: []clients.RuleVerdict{{
			Index: 1, Line: 7, Client: "acme", Matched: true,
			Conditions: []clients.ConditionVerdict{{Text: "name \"acme\"", Holds: true}},
		}},
	}
	for _, c := range []struct {
		e    clients.Explanation
		want string
	}{
		{e, `{"session_id":"i-1-enc1a","enclave_id":"i-1-enc1a","instance_id":"i-1","name":"acme","eif_path":"/e","client":"acme","rule":1,` +
			`"rules":[{"index":1,"line":7,"client":"acme","matched":true,"conditions":[{"text":"name \"acme\"","holds":true}]}],"at":"2025-11-03T08:00:00.000Z"}`},
		{clients.Explanation{}, `{"session_id":"","enclave_id":"","instance_id":"","name":"","eif_path":"","client":"","rule":0,"rules":[],"at":null}`},
	} {
		got, err := json.Marshal([]clients.Explanation{c.e})
		if err != nil || string(got) != "["+c.want+"]" {
			t.Errorf("got  %s, %v\nwant [%s]", got, err, c.want)
		}
	}
}
