package aws

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// What stands where Options holds zero.
const (
	// DefaultRegion is where requests go as long as nobody says otherwise; S3 answers
	// there with the region that a bucket is really in.
	DefaultRegion      = "us-east-1"
	DefaultSessionName = "trailhouse"
	DefaultAttempts    = 10
	DefaultMaxBackoff  = 20 * time.Second
	DefaultIdleTimeout = 30 * time.Second
)

// Options say who we are, and where the server is.
type Options struct {
	// Profile is a profile of the AWS CLI's files; empty for the default chain:
	// environment, default profile, container, instance.
	Profile string
	// RoleARN is a role to assume with those credentials, empty for none.
	RoleARN string
	// ExternalID is what the role's owner asks for, empty for none.
	ExternalID string
	// SessionName is the name by which the role's use is seen in the owner's trail;
	// empty stands for DefaultSessionName.
	SessionName string
	// Region is the bucket's region; empty asks the profile, the environment, and the
	// bucket.
	Region string
	// Endpoint is the URL of a server that speaks S3; empty is AWS. Roles are assumed at
	// AWS's own STS unless AWS_ENDPOINT_URL_STS names another.
	Endpoint string
	// PathStyle puts the bucket into the path and not before the host name. It is always
	// so where Endpoint is an IP address or localhost, which have no subdomains.
	PathStyle bool
	// Attempts are how often one request is made at most, with a random pause before
	// each but the first, which grows to MaxBackoff. Zero stands for DefaultAttempts and
	// DefaultMaxBackoff.
	Attempts   int
	MaxBackoff time.Duration
	// IdleTimeout is how long a server may send nothing; zero stands for
	// DefaultIdleTimeout.
	IdleTimeout time.Duration
	// Answered, where not nil, is called as soon as a server answers, with the server's
	// clock in UTC, to the second. It may be called by several goroutines at once.
	Answered func(server time.Time)
}

func (o Options) withDefaults() Options {
	if o.SessionName == "" {
		o.SessionName = DefaultSessionName
	}
	if o.Attempts <= 0 {
		o.Attempts = DefaultAttempts
	}
	if o.MaxBackoff <= 0 {
		o.MaxBackoff = DefaultMaxBackoff
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = DefaultIdleTimeout
	}
	return o
}

// pathStyle reports whether buckets stand in the path.
func (o Options) pathStyle() bool {
	u, err := url.Parse(o.Endpoint)
	if err != nil || o.PathStyle {
		return o.PathStyle
	}
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()) != nil
}

// Session is who we are at AWS. It may be used by several goroutines.
type Session struct {
	options Options
	config  aws.Config
	cache   *aws.CredentialsCache
	s3      *s3.Client
	region  string // that someone named, empty for none
	// refreshing makes one refresh of expired credentials out of those that all
	// requests under way ask for.
	refreshing sync.Mutex
}

// Open reads the AWS CLI's files and the environment. It makes no request: credentials
// are asked for when they are needed. CodeUsage where the profile or a setting is not
// there or cannot be read.
func Open(ctx context.Context, o Options) (*Session, error) {
	s := &Session{options: o.withDefaults()}
	if err := s.check(); err != nil {
		return nil, err
	}
	loaded, err := s.load(ctx)
	if err != nil {
		return nil, s.configFault(err)
	}
	s.cache = aws.NewCredentialsCache(provider{s})
	loaded.Credentials = s.cache
	s.region = loaded.Region
	if loaded.Region == "" {
		loaded.Region = DefaultRegion
	}
	s.config = loaded
	s.s3 = s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.UsePathStyle = s.options.pathStyle()
		o.DisableLogOutputChecksumValidationSkipped = true
		if s.options.Endpoint != "" {
			o.BaseEndpoint = aws.String(s.options.Endpoint)
		}
	})
	return s, nil
}

// Region returns the region that an option, the environment or a profile names, empty
// where none does and DefaultRegion stands for it.
func (s *Session) Region() string { return s.region }

// load reads files and environment anew, so that credentials that someone renewed
// there meanwhile are found.
func (s *Session) load(ctx context.Context) (aws.Config, error) {
	o := s.options
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = o.IdleTimeout
		t.MaxIdleConnsPerHost = 64
	})
	with := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client),
		config.WithLogger(logging.Nop{}),
		config.WithRetryer(o.retryer),
	}
	if o.Answered != nil {
		with = append(with, config.WithAPIOptions([]func(*middleware.Stack) error{o.listen}))
	}
	if o.Profile != "" {
		with = append(with, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		with = append(with, config.WithRegion(o.Region))
	}
	return config.LoadDefaultConfig(ctx, with...)
}

// listen has Answered called with the time in the head of each answer, whatever it says.
func (o Options) listen(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("Answered", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if response, ok := out.RawResponse.(*smithyhttp.Response); ok && response != nil && response.Response != nil {
			if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
				o.Answered(at.UTC())
			}
		}
		return out, metadata, err
	}), middleware.After)
}

// retryer is the standard one of the SDK: what is throttled, refused for the moment or
// cut off is asked again. Its quota of retries for the whole process is not used: it
// would make a run fail under the throttling that attempts and pauses can bear.
func (o Options) retryer() aws.Retryer {
	return retry.NewStandard(func(r *retry.StandardOptions) {
		r.MaxAttempts, r.MaxBackoff = o.Attempts, o.MaxBackoff
		r.Backoff = retry.NewExponentialJitterBackoff(o.MaxBackoff)
		r.RateLimiter = ratelimit.None
		r.Retryables = append(r.Retryables, retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}},
			retry.IsErrorRetryableFunc(isBroken))
	})
}

// isBroken has requests made again whose answer began well and cannot be read to its
// end. The SDK takes that for the server's last word.
func isBroken(err error) aws.Ternary {
	var unread *smithy.DeserializationError
	_, _, status := answer(err)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &unread) && status < http.StatusBadRequest {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// provider gives the credentials of a session.
type provider struct{ *Session }

// Retrieve implements aws.CredentialsProvider.
func (p provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	base, err := p.load(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	o := p.options
	if o.RoleARN == "" {
		return base.Credentials.Retrieve(ctx)
	}
	if base.Region == "" {
		base.Region = DefaultRegion
	}
	return stscreds.NewAssumeRoleProvider(sts.NewFromConfig(base), o.RoleARN, func(r *stscreds.AssumeRoleOptions) {
		r.RoleSessionName = o.SessionName
		if o.ExternalID != "" {
			r.ExternalID = aws.String(o.ExternalID)
		}
	}).Retrieve(ctx)
}

// call makes a request, and makes it once more with fresh credentials where the server
// says that those it came with have expired.
func (s *Session) call(ctx context.Context, at target, request func() error) error {
	used, err := s.cache.Retrieve(ctx)
	if err != nil {
		return s.credentialsFault(ctx, err)
	}
	err = request()
	if expired(err) {
		if err := s.refresh(ctx, used, err); err != nil {
			return err
		}
		err = request()
	}
	return s.fault(ctx, at, err)
}

// refresh replaces credentials that have expired, unless another request did so since
// they were used.
func (s *Session) refresh(ctx context.Context, used aws.Credentials, cause error) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	now, err := s.cache.Retrieve(ctx)
	if err == nil && same(now, used) {
		s.cache.Invalidate()
		now, err = s.cache.Retrieve(ctx)
	}
	if err != nil {
		return s.credentialsFault(ctx, err)
	}
	if same(now, used) {
		return s.fault(ctx, target{}, cause)
	}
	return nil
}

func same(a, b aws.Credentials) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey == b.SecretAccessKey && a.SessionToken == b.SessionToken
}

// who names the session in messages.
func (s *Session) who() string {
	var parts []string
	if s.options.RoleARN != "" {
		parts = append(parts, "role "+s.options.RoleARN)
	}
	if s.options.Profile != "" {
		parts = append(parts, "profile "+s.options.Profile)
	}
	if parts == nil {
		return "the default credentials"
	}
	return strings.Join(parts, " from ")
}
