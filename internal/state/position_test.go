package state

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPositions(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := open(t, dir)
	for _, set := range []map[string]string{{"a": "1", "b": "2"}, {"b": "1"}, nil} {
		if err := s.SetPositions(ctx, "src", "1", set); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, dir)
	for _, c := range []struct {
		source, version string
		want            map[string]string
	}{{"src", "1", map[string]string{"a": "1", "b": "1"}}, {"src", "2", map[string]string{}}, {"other", "1", map[string]string{}}} {
		got, err := again.Positions(ctx, c.source, c.version)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s %s (-want +got), %v:\n%s", c.source, c.version, err, diff)
		}
	}
}

// TestStateOfFormat1 opens state as the first format left it.
func TestStateOfFormat1(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	done := Done{Source: "src", Version: "1", UnitID: "u", Result: "done"}
	if err := s.Finish(t.Context(), "none", []Done{done}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"DROP TABLE position", "DROP TABLE delivery_target", "DROP TABLE delivery", "PRAGMA user_version = 1"} {
		if _, err := s.write.Exec(step); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, dir)
	if err := again.SetPositions(t.Context(), "src", "1", map[string]string{"a": "1"}); err != nil {
		t.Error(err)
	}
	if _, ok, err := again.UnitDone(t.Context(), "src", "1", "u"); !ok || err != nil {
		t.Errorf("the ledger was lost: %v", err)
	}
}
