package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/trailhouse/trailhouse"
)

// maxTagPages bounds a listing of tagged resources; a page has at most 100.
const maxTagPages = 1000

// Tagged returns the ARNs of everything of the session's region that carries a tag, in the
// order of the service, which may go on naming for a while what was removed. now is the
// time of the caller. The one request is made without a library of the service's own.
// Errors are CodeDenied, CodeCredentials and CodeUnavailable.
func (s *Session) Tagged(ctx context.Context, now func() time.Time, key, value string) ([]string, error) {
	at := target{"the list of what carries the tag " + key + "=" + value, ActionGetResources, "*"}
	in := map[string]any{"TagFilters": []map[string]any{{"Key": key, "Values": []string{value}}}, "ResourcesPerPage": 100}
	var arns []string
	for range maxTagPages {
		var out struct {
			PaginationToken string
			List            []struct{ ResourceARN string } `json:"ResourceTagMappingList"`
		}
		err := s.call(ctx, at, func() error { return s.tagging(ctx, now(), in, &out) })
		if err != nil {
			return nil, err
		}
		for _, r := range out.List {
			arns = append(arns, r.ResourceARN)
		}
		if out.PaginationToken == "" {
			return arns, nil
		}
		in["PaginationToken"] = out.PaginationToken
	}
	return nil, trailhouse.Errorf(trailhouse.CodeUnavailable, "%s does not come to an end", at.what).
		WithHint("this is a fault of the server, or of a proxy before it")
}

// tagging asks the Resource Groups Tagging API, which speaks JSON, and signs the request.
func (s *Session) tagging(ctx context.Context, now time.Time, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.taggingEndpoint(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "ResourceGroupsTaggingAPI_20170126.GetResources")
	who, err := s.cache.Retrieve(ctx)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, who, r, hex.EncodeToString(hash[:]), "tagging", s.config.Region, now); err != nil {
		return err
	}
	answer, err := s.config.HTTPClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end, or the error is told
	text, err := io.ReadAll(io.LimitReader(answer.Body, 8<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return refusal(answer, text)
	}
	return json.Unmarshal(text, out)
}

// taggingEndpoint returns the URL of the service in the session's region.
func (s *Session) taggingEndpoint() string {
	if s.options.Endpoint != "" {
		return strings.TrimSuffix(s.options.Endpoint, "/") + "/"
	}
	domain := "amazonaws.com"
	if partition(s.config.Region) == "aws-cn" {
		domain += ".cn"
	}
	return fmt.Sprintf("https://tagging.%s.%s/", s.config.Region, domain)
}

// refusal is an answer of a JSON service that is no success, in the SDK's own types.
func refusal(answer *http.Response, text []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		said.Message = answer.Status
	}
	if said.Message == "" {
		said.Message = said.Upper
	}
	code := said.Type[strings.LastIndexByte(said.Type, '#')+1:]
	var cause error = &smithy.GenericAPIError{Code: code, Message: said.Message}
	if code == "" {
		cause = errors.New(said.Message)
	}
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: answer}, Err: cause}
}
