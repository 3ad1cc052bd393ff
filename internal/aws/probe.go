package aws

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/trailhouse/trailhouse"
)

// Caller is who AWS takes us for.
type Caller struct {
	// Account is the account's 12 digits, ARN the user or the session of the role.
	Account, ARN string
}

// Caller asks AWS who we are, which needs no permission. Errors are CodeCredentials, also where a
// clock is too far off, CodeDenied where the role may not be assumed, CodeUnavailable.
func (s *Session) Caller(ctx context.Context) (Caller, error) {
	client := sts.NewFromConfig(s.config)
	var out *sts.GetCallerIdentityOutput
	err := s.call(ctx, target{"the identity of " + s.who(), ActionGetCallerIdentity, "*"}, func() error {
		var err error
		out, err = client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	})
	if err != nil {
		return Caller{}, err
	}
	return Caller{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn)}, nil
}

// dateOf returns the server's clock as an answer with an error tells it.
func dateOf(err error) time.Time {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil {
		return time.Time{}
	}
	at, err := http.ParseTime(response.Response.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// TryGet asks for the first byte of an object, to see whether it could be read. CodeNotFound
// where there is no such object, else the errors of Get.
func (b *Bucket) TryGet(ctx context.Context, key string) error {
	return b.call(ctx, b.at(ActionGetObject, key), func(options func(*s3.Options)) error {
		out, err := b.session.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(b.name), Key: aws.String(key), Range: aws.String("bytes=0-0")}, options)
		if err == nil {
			return out.Body.Close()
		}
		if _, _, status := answer(err); status == http.StatusRequestedRangeNotSatisfiable {
			return nil // an empty object
		}
		return err
	})
}

// TryPut asks to replace an object under a condition that no object meets, to see whether
// it could be written: nothing is. A checksum of other bytes keeps servers from writing
// that do not mind the condition. Of the object only key and key of KMS count. CodeDenied, CodeNotFound for the bucket, CodeCredentials
// and CodeUnavailable as of Get; nil where the server refused for the condition's sake.
func (b *Bucket) TryPut(ctx context.Context, o NewObject) error {
	in := &s3.PutObjectInput{
		Bucket: aws.String(b.name), Key: aws.String(o.Key),
		IfMatch: aws.String(`"00000000000000000000000000000000"`), ChecksumSHA256: aws.String(strings.Repeat("A", 43) + "="),
	}
	if o.KMSKeyID != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, aws.String(o.KMSKeyID)
	}
	return b.call(ctx, b.at(ActionPutObject, o.Key), func(options func(*s3.Options)) error {
		in.Body = strings.NewReader("trailhouse doctor")
		_, err := b.session.s3.PutObject(ctx, in, options)
		switch code, _, status := answer(err); {
		case code == "NoSuchBucket":
			return err
		case status == http.StatusNotFound, status == http.StatusPreconditionFailed, status == http.StatusConflict,
			code == "BadDigest", code == "XAmzContentChecksumMismatch", code == "InvalidDigest", code == "InvalidRequest", code == "NotImplemented":
			return nil
		}
		return err
	})
}

// Try looks the topic up and returns how many confirmed and unconfirmed subscriptions
// it has, as SNS counts them. Errors are those of fault: CodeNotFound where there is no
// such topic.
func (t *Topic) Try(ctx context.Context) (confirmed, pending string, err error) {
	var out *sns.GetTopicAttributesOutput
	err = t.session.call(ctx, target{"topic " + t.arn, ActionGetTopicAttributes, t.arn}, func() error {
		var err error
		out, err = t.client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(t.arn)})
		return err
	})
	if err != nil {
		return "", "", err
	}
	return out.Attributes["SubscriptionsConfirmed"], out.Attributes["SubscriptionsPending"], nil
}

// TryPublish asks to send a message that SNS must refuse (its structure is promised as
// JSON, and it is none), to see whether one could be sent: none is. CodeDenied where the
// permission is missing; nil where SNS refused the message itself.
func (t *Topic) TryPublish(ctx context.Context) error {
	return t.session.call(ctx, target{"topic " + t.arn, ActionPublish, t.arn}, func() error {
		_, err := t.client.Publish(ctx, &sns.PublishInput{
			TopicArn: aws.String(t.arn), Message: aws.String("trailhouse doctor"), MessageStructure: aws.String("json"),
		})
		switch code, _, _ := answer(err); code {
		case "InvalidParameter", "InvalidParameterValue", "InvalidParameterException":
			return nil
		}
		return err
	})
}

// Who names the session in messages.
func (s *Session) Who() string { return s.who() }

// IsExpired reports whether credentials that have expired are the cause of an error.
func IsExpired(err error) bool {
	return trailhouse.CodeOf(err) == trailhouse.CodeCredentials && expired(err)
}

// IsMissing returns the permission that is missing where that is the cause of an error.
func IsMissing(err error) (*MissingPermission, bool) {
	var m *MissingPermission
	ok := trailhouse.CodeOf(err) == trailhouse.CodeDenied && errors.As(err, &m)
	return m, ok
}
