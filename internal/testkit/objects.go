package testkit

import (
	"encoding/xml"
	"testing"
)

// Objects returns the contents of a bucket by key, of at most 1,000 objects.
func Objects(t *testing.T, server, bucket string) map[string]string {
	t.Helper()
	var listing struct{ Contents []struct{ Key string } }
	if err := xml.Unmarshal([]byte(fetch(t, server+"/"+bucket)), &listing); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, o := range listing.Contents {
		got[o.Key] = fetch(t, server+"/"+bucket+"/"+escape(o.Key))
	}
	return got
}
