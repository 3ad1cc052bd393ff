package cloudtrail

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// sharedData is a folder of real events; the tests that need all of them are skipped
// where it is not.
func sharedData(t testing.TB, folder string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "..", "shared", "data", "cloudtrail", folder)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the full set of sample data is not there: " + dir)
	}
	return dir
}

// readAll reads all units of a source.
func readAll(t testing.TB, s *Source, sink *memorySink) (units int) {
	t.Helper()
	err := s.Units(context.Background(), func(u trailhouse.Unit) error {
		units++
		return s.Read(context.Background(), u, sink)
	}, func(c trailhouse.Coverage) error {
		t.Errorf("missing: %+v", c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return units
}

func TestRealEventsAreAllThere(t *testing.T) {
	for _, c := range []struct {
		folder string
		events int
		files  int
	}{{"invictus", 2900, 55}, {"stratus", 310, 36}} {
		sink := newSink()
		readAll(t, New(Options{Paths: []string{sharedData(t, c.folder)}}), sink)
		b := sink.events()
		ids := map[trailhouse.Key]bool{}
		for i := range b.Len() {
			k := b.Key(b.Table.MustIndex("event_key"), i)
			ids[k] = true
			if k.String() != value(b, i, "eventid") {
				t.Errorf("key %s of event %s", k, value(b, i, "eventid"))
			}
		}
		files, ignored := 0, 0
		for _, cover := range sink.covers {
			switch cover.Result {
			case trailhouse.CoverageRead:
				files++
			case trailhouse.CoverageIgnored:
				ignored++
			}
		}
		if b.Len() != c.events || len(ids) != c.events || len(sink.rejected) != 0 || ignored != 1 {
			t.Errorf("%s: %d events, %d ids, %d rejected, %d files, %d ignored", c.folder, b.Len(), len(ids), len(sink.rejected), files, ignored)
		}
		for i := range sink.covers {
			if c.folder == "invictus" && sink.covers[i].Result == trailhouse.CoverageRead && sink.covers[i].Scope != "218007301253/us-east-1" {
				t.Errorf("cover %+v", sink.covers[i])
			}
		}
	}
}

// TestRealARNsAreEntities looks for ARNs in every text of every real event with a
// pattern, and wants each among the entities.
func TestRealARNsAreEntities(t *testing.T) {
	arn := regexp.MustCompile(`\barn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:[^\s"',;()\[\]{}<>|\\]*[^\s"',;()\[\]{}<>|\\.:]`)
	found := 0
	for _, folder := range []string{"invictus", "stratus"} {
		sink := newSink()
		readAll(t, New(Options{Paths: []string{sharedData(t, folder)}}), sink)
		b := sink.events()
		records := map[string][]json.RawMessage{}
		for i := range b.Len() {
			object, _, _ := WhereIs(b, i)
			if records[object] == nil {
				records[object] = sourceRecords(t, object)
			}
			entities := map[string]bool{}
			for _, e := range b.Strings(b.Table.MustIndex("entities"), i) {
				entities[e] = true
			}
			record := records[object][b.Int(b.Table.MustIndex("record_index"), i)]
			eachText(decode(t, record), func(text string) {
				if decoded, err := url.PathUnescape(text); err == nil {
					text = decoded
				}
				if entities[text] {
					return
				}
				for _, name := range arn.FindAllString(text, -1) {
					if found++; !entities[name] {
						t.Errorf("%s is named in %.300s and no entity", name, text)
					}
				}
			})
		}
	}
	if found < 73 {
		t.Errorf("%d ARNs are within other texts", found)
	}
}

// eachText calls fn with each text in a JSON value.
func eachText(v any, fn func(string)) {
	switch v := v.(type) {
	case string:
		fn(v)
	case []any:
		for _, e := range v {
			eachText(e, fn)
		}
	case map[string]any:
		for _, e := range v {
			eachText(e, fn)
		}
	}
}
