package testkit

import (
	"encoding/xml"
	"io"
	"net/http"
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

// fetch returns the body of a GET that needs no signature.
func fetch(t *testing.T, at string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", at, res.Status, text, err)
	}
	return string(text)
}
