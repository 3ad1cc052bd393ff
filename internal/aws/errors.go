package aws

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/trailhouse/trailhouse"
)

// target is what a request is about, for messages.
type target struct {
	what     string // s3://bucket/key
	action   string // s3:GetObject
	resource string // arn:aws:s3:::bucket/key
}

// done is what is done to the target, as messages say it.
func (t target) done() string {
	switch t.action {
	case ActionPutObject:
		return "written"
	case ActionPublish, ActionPutLogEvents, ActionCreateLogStream:
		return "written to"
	}
	return "read"
}

// permission finds the action and the resource in AWS's own words, which know better
// where a key of KMS or a policy of the organisation stands behind the refusal.
var permission = regexp.MustCompile(`perform: ([a-z0-9-]+:[A-Za-z0-9*]+)(?: on resource: "?([^\s"]+))?`)

// fault turns an error of a request into one of ours. CodeDenied names the missing
// permission and its resource; CodeCredentials says that nothing can be read as we are;
// CodeConflict that the object is not the one that was asked for; CodeUnavailable that
// the server gave no answer, however often it was asked.
func (s *Session) fault(ctx context.Context, at target, err error) error {
	var known *trailhouse.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if ctx.Err() != nil {
		return trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted while %s was %s: %w", at.what, at.done(), ctx.Err())
	}
	code, message, status := answer(err)
	switch {
	case isCredentials(code):
		return s.credentialsFault(ctx, err)
	case isDenied(code, status):
		return denied(at, message)
	case code == "InvalidObjectState":
		return trailhouse.Errorf(trailhouse.CodeDenied, "%s is archived and cannot be read as it is", at.what).
			WithHint("restore it from Glacier and import again")
	case status == http.StatusForbidden:
		return trailhouse.Errorf(trailhouse.CodeDenied, "%s may not be %s: %w", at.what, at.done(), cause(err)).
			WithHint("the server's own words say why")
	case code == "ResourceNotFoundException" || code == "NotFound" && strings.HasPrefix(at.action, "sns:"):
		return trailhouse.Errorf(trailhouse.CodeNotFound, "%s is not there (%s)", at.what, code).
			WithHint("check the name, the region and the account, and the endpoint if it is not AWS")
	case code == "NoSuchBucket" || code == "NoSuchKey" || status == http.StatusNotFound:
		return trailhouse.Errorf(trailhouse.CodeNotFound, "%s is not there (%s)", at.what, orStatus(code, status)).
			WithHint("check the name of the bucket and the prefix, and the endpoint if it is not AWS")
	case code == "PreconditionFailed" || status == http.StatusPreconditionFailed:
		return replaced(at.what)
	}
	return unavailable(at, err)
}

// answer takes the server's error apart; a body that is no error of AWS's leaves the
// code empty and the status to go by.
func answer(err error) (code, message string, status int) {
	var api smithy.APIError
	if errors.As(err, &api) {
		code, message = api.ErrorCode(), api.ErrorMessage()
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	return code, message, status
}

// expired reports whether the server takes the credentials for outdated, so that fresh
// ones may help.
func expired(err error) bool {
	var session *ssocreds.InvalidTokenError // the files of the AWS CLI have none that is still good
	if errors.As(err, &session) {
		return true
	}
	code, _, _ := answer(err)
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired":
		return true
	}
	return false
}

// isCredentials reports whether the server does not know who asks.
func isCredentials(code string) bool {
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired",
		"InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken", "SignatureDoesNotMatch",
		"UnrecognizedClientException", "NotSignedUp", "RequestTimeTooSkewed",
		"InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken", "MissingAuthenticationTokenException":
		return true
	}
	return false
}

func isDenied(code string, status int) bool {
	switch code {
	case "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AccountProblem", "UnauthorizedOperation", "AuthorizationError":
		return true
	}
	return status == http.StatusForbidden && (code == "" || code == "Forbidden")
}

// MissingPermission is the cause of CodeDenied where a permission of IAM is missing.
type MissingPermission struct {
	// Action is the permission, such as kms:Decrypt, and Resource the ARN that it is
	// missing on: in AWS's own words where it names them, else what the request needs.
	Action, Resource string
	// Told says that AWS named the action itself.
	Told bool
}

// Error says what is missing.
func (m *MissingPermission) Error() string {
	return "permission " + m.Action + " on " + m.Resource + " is missing"
}

// denied is the error of evidence that exists and may not be read.
func denied(at target, message string) error {
	action, resource, told := at.action, at.resource, false
	if m := permission.FindStringSubmatch(message); m != nil {
		action, told = m[1], true
		if m[2] != "" {
			resource = m[2]
		} else if m[1] != at.action {
			resource = "the key or resource behind " + at.resource
		}
	}
	where := "the policy of the role or user"
	if !strings.HasPrefix(action, "logs:") {
		where += ", and in those of the bucket and its KMS key"
	}
	return trailhouse.Errorf(trailhouse.CodeDenied, "%s may not be %s: %w", at.what, at.done(), &MissingPermission{action, resource, told}).
		WithHint("allow %s on %s in %s", action, resource, where)
}

// replaced is the error of an object whose ETag is another one now.
func replaced(what string) error {
	return trailhouse.Errorf(trailhouse.CodeConflict, "%s was replaced while it was read", what).
		WithHint("import again: what is there now is read then")
}

// unavailable is the error of a server that was asked in vain.
func unavailable(at target, err error) error {
	return trailhouse.Errorf(trailhouse.CodeUnavailable, "%s could not be %s, however often it was tried: %w", at.what, at.done(), cause(err)).
		WithHint("check the network, the endpoint and the service, and run the command again: it resumes")
}

// credentialsFault is the error of not being known to the server. A role that may not
// be assumed is a permission that is missing.
func (s *Session) credentialsFault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return trailhouse.Errorf(trailhouse.CodeInterrupted, "interrupted while asking for credentials: %w", ctx.Err())
	}
	code, message, status := answer(err)
	if isDenied(code, status) && s.options.RoleARN != "" {
		return denied(target{"role " + s.options.RoleARN, ActionAssumeRole, s.options.RoleARN}, message)
	}
	who := s.who()
	hint := "name a profile or a role, or set AWS_PROFILE; aws sts get-caller-identity shows who you are"
	switch {
	case expired(err):
		who += ": they have expired"
		hint = "renew them (aws sso login, or new keys) and run the command again: it resumes"
	case code == "RequestTimeTooSkewed":
		hint = "set this machine's clock"
	}
	return trailhouse.Errorf(trailhouse.CodeCredentials, "no valid credentials: %s: %w", who, cause(err)).WithHint("%s", hint)
}

// configFault is the error of files of the AWS CLI that cannot be used.
func (s *Session) configFault(err error) error {
	return trailhouse.Errorf(trailhouse.CodeUsage, "the AWS configuration of %s cannot be used: %w", s.who(), cause(err)).
		WithHint("aws configure list-profiles shows the profiles that there are")
}

// cause drops the SDK's layers around what happened: the name of the operation and
// the ids of the request are in the cause's own text.
func cause(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return &plain{err, strings.TrimSuffix(api.ErrorCode()+": "+api.ErrorMessage(), ": ")}
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() >= http.StatusBadRequest {
		return &plain{err, "the server answered " + response.Response.Status}
	}
	var at *url.Error
	if errors.As(err, &at) {
		return &plain{err, at.Err.Error()}
	}
	return err
}

// plain is an error in few words.
type plain struct {
	err  error
	text string
}

func (p *plain) Error() string { return p.text }
func (p *plain) Unwrap() error { return p.err }

func orStatus(code string, status int) string {
	if code != "" {
		return code
	}
	return http.StatusText(status)
}

// check refuses settings that no request could be made with.
func (s *Session) check() error {
	o := s.options
	if u, err := url.Parse(o.Endpoint); o.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil) {
		return trailhouse.Errorf(trailhouse.CodeUsage, "endpoint %q is not a URL such as https://s3.example.com", o.Endpoint)
	}
	if o.RoleARN != "" && !roleARN.MatchString(o.RoleARN) {
		return trailhouse.Errorf(trailhouse.CodeUsage, "%q is not the ARN of a role such as arn:aws:iam::111122223333:role/Audit", o.RoleARN)
	}
	if o.ExternalID != "" && o.RoleARN == "" {
		return trailhouse.Errorf(trailhouse.CodeUsage, "an external id is of use only with the ARN of a role")
	}
	return nil
}

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/\S+$`)
