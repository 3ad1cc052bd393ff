package cloudtrail

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/objects"
)

// originalsOf returns the bytes of the rows' records.
func originalsOf(t *testing.T, b *trailhouse.Batch) [][]byte {
	t.Helper()
	var spans []Span
	var object, sum string
	for row := range b.Len() {
		var span Span
		object, sum, span = WhereIs(b, row)
		spans = append(spans, span)
	}
	texts, err := Originals(t.Context(), Files{}, objects.Limits{}, object, sum, spans)
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func mustRebuild(t *testing.T, b *trailhouse.Batch, row int) []byte {
	t.Helper()
	text, err := Rebuild(b, row)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// plain returns a JSON text as values, without members that are null, which a row does
// not know of.
func plain(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	top, _ := v.(map[string]any)
	for k, x := range top {
		if x == nil {
			delete(top, k)
		}
	}
	if who, ok := top["userIdentity"].(map[string]any); ok {
		dropNull(who)
	}
	return v
}

func dropNull(m map[string]any) {
	for k, x := range m {
		if inner, ok := x.(map[string]any); ok {
			dropNull(inner)
		}
		if x == nil {
			delete(m, k)
		}
	}
}

// asMapsHold returns the record with the members of its payloads as far as a map of
// texts tells them apart: a text that is JSON is equal to that JSON.
func asMapsHold(t *testing.T, v any) any {
	top, _ := v.(map[string]any)
	for _, name := range []string{"requestParameters", "responseElements", "additionalEventData", "serviceEventDetails"} {
		payload, _ := top[name].(map[string]any)
		for k, x := range payload {
			if text, ok := x.(string); ok && json.Valid([]byte(text)) {
				payload[k] = plain(t, []byte(text))
			}
		}
	}
	return v
}

// TestRebuildRealEvents wants what rows say of real events to be what the events said:
// all but for whether a member of a payload was JSON or a text that reads as JSON, which
// is guessed right nearly always.
func TestRebuildRealEvents(t *testing.T) {
	wrong, all := 0, 0
	for _, folder := range []string{"invictus", "stratus"} {
		s := New(Options{Paths: []string{sharedData(t, folder)}})
		err := s.Units(t.Context(), func(u trailhouse.Unit) error {
			sink := newSink()
			if err := s.Read(t.Context(), u, sink); err != nil || sink.records == 0 {
				return err
			}
			b := sink.events()
			for i, text := range originalsOf(t, b) {
				all++
				want, got := plain(t, text), plain(t, mustRebuild(t, b, i))
				if !cmp.Equal(want, got) {
					wrong++
				}
				if diff := cmp.Diff(asMapsHold(t, want), asMapsHold(t, got)); diff != "" {
					t.Fatalf("%s record %d (-original +rebuilt):\n%s", u.Object, i, diff)
				}
			}
			return nil
		}, func(trailhouse.Coverage) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	if all != 3210 || wrong > all/40 {
		t.Errorf("of %d records, %d have a text for something else or the other way round", all, wrong)
	}
}

// TestRebuild wants records of all tables, and such as fit no column, back.
func TestRebuild(t *testing.T) {
	for _, text := range []string{
		`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"a<&>","sessionContext":{"sessionIssuer":"odd","attributes":{"creationDate":"2025-10-01T08:00:00Z","mfaAuthenticated":"false"},"new":[1]},"x.y":{"z":null}},` +
			`"eventTime":"2025-10-01T10:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"A","awsRegion":7,"requestParameters":{"a":"text","b":{"c":[1,2.50]},"d":true,"e":100,"f":"111122223333","g":null,"h":""},` +
			`"responseElements":"","eventID":"e3b0c442-98fc-4c14-9afb-f4c8996fb924","readOnly":"true","resources":[{"ARN":"r1","new":1},"odd",{"type":"t"},7],"future":{"a":["b"]},"a.b":"c","eventCategory":"Management"}`,
		`{"eventTime":"2025-10-01T10:00:00.198Z","eventName":"\u00e4\u2028\"\\\n","eventID":"not a guid","resources":[],"tlsDetails":{}}`,
		`{"eventTime":"2025-10-01T10:00:00Z","eventID":"e3b0c442-98fc-4c14-9afb-f4c8996fb925","eventCategory":"NetworkActivity","vpcEndpointId":"vpce-1"}`,
		`{"eventVersion":"1.07","eventTime":"2025-10-01T10:00:00Z","awsRegion":"us-east-1","eventID":"e3b0c442-98fc-4c14-9afb-f4c8996fb926","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"s",` +
			`"insightDetails":{"state":"Start","eventSource":"ssm.amazonaws.com","insightContext":{"statistics":{"baseline":{"average":0.0000882145}}}},"eventCategory":"Insight"}`,
		`{"eventTime":"2025-10-01T10:00:00Z","eventID":"e3b0c442-98fc-4c14-9afb-f4c8996fb927","insightState":"End","insightType":"ApiCallRateInsight","eventCategory":"Insight"}`,
		`{"eventVersion":"1.0","accountId":"111122223333","eventId":"e3b0c442-98fc-4c14-9afb-f4c8996fb928","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"us-east-1","eventSource":"s3.amazonaws.com",` +
			`"timeWindow":{"windowStart":"2025-10-01T10:00:00Z","windowEnd":"2025-10-01T10:05:00Z","windowSize":"PT5M","more":1},"summary":{"primaryDimension":{"dimension":"eventName","statistics":[{"name":"GetObject","value":3}],"aggregationType":"Count"}}}`,
	} {
		path := write(t, "111122223333_CloudTrail_us-east-1_20251001T1005Z_abcdefgh12345678.json", []byte(`{"Records":[`+text+`]}`))
		sink := newSink()
		s := New(Options{Paths: []string{path}})
		err := s.Units(context.Background(), func(u trailhouse.Unit) error { return s.Read(context.Background(), u, sink) },
			func(trailhouse.Coverage) error { return nil })
		if err != nil || sink.records != 1 {
			t.Fatalf("%s: %v, %d records, %v", text, err, sink.records, sink.rejected)
		}
		for _, b := range sink.batches {
			if b.Len() == 0 {
				continue
			}
			if diff := cmp.Diff(plain(t, []byte(text)), plain(t, mustRebuild(t, b, 0))); diff != "" {
				t.Errorf("%s (-original +rebuilt):\n%s", b.Table.Name, diff)
			}
		}
	}
}
