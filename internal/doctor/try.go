package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/access"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// nobody is a name that no object, stream or key has: to ask for it shows whether one could
// be read.
const nobody = "trailhouse-doctor"

// try makes the request of a need in a way that changes nothing, and reports what came of
// it.
func (e *examination) try(ctx context.Context, id *identity, n access.Need) {
	var done string
	var err error
	switch n.Action {
	case aws.ActionListBucket:
		done, err = e.list(ctx, id, n)
	case aws.ActionGetObject:
		done, err = e.get(ctx, id, n)
	case aws.ActionPutObject:
		done, err = "reports can be written to "+address(n), id.session.Bucket(n.Bucket).TryPut(ctx, aws.NewObject{Key: below(n.Prefix), KMSKeyID: n.KMSKeyID})
	case aws.ActionDescribeLogGroups:
		done, err = e.groups(ctx, id, n)
	case aws.ActionDescribeLogStreams:
		done, err = e.streams(ctx, id, n)
	case aws.ActionFilterLogEvents:
		done, err = e.events(ctx, id, n)
	case aws.ActionGetTopicAttributes:
		done, err = e.topic(ctx, id, n)
	case aws.ActionPublish:
		done, err = "messages can be sent to "+n.Topic, id.session.Topic(n.Topic).TryPublish(ctx)
	case aws.ActionAssumeRole:
		return // told with the credentials of the role
	default: // keys of KMS are used by S3 alone
		e.ok(n.Action, n.Place, "not tried alone: S3 uses %s, and says so where it is missing", n.Resources[0])
		return
	}
	switch missing, denied := aws.IsMissing(err); {
	case denied:
		e.missing(n, id, missing, err)
	case errors.Is(err, errTold):
	case aws.IsExpired(err): // they are for whatever else they would be used for
		id.known = false
		e.fail("credentials", n.Place, err)
	case err != nil:
		e.fail(n.Action, n.Place, err)
	default:
		e.ok(n.Action, n.Place, "%s", done)
	}
}

// errTold is a check that was reported already.
var errTold = errors.New("told")

func address(n access.Need) string { return "s3://" + n.Bucket + "/" + n.Prefix }

// below returns the key of an object that is not in a folder.
func below(prefix string) string {
	if prefix = strings.TrimSuffix(prefix, "/"); prefix == "" {
		return nobody
	}
	return prefix + "/" + nobody
}

// list asks for the first object below the prefix and remembers it for get.
func (e *examination) list(ctx context.Context, id *identity, n access.Need) (string, error) {
	page, err := id.session.Bucket(n.Bucket).Listing(n.Prefix, "", 1).Next(ctx)
	if errors.Is(err, io.EOF) {
		id.objects[address(n)] = below(n.Prefix)
		e.warn(n.Action, n.Place, "check the prefix; a trail writes its first file after some minutes", "%s can be listed and is empty", address(n))
		return "", errTold
	}
	if err != nil {
		id.hidden[address(n)] = true
		return "", err
	}
	id.objects[address(n)] = page[0].Key
	return address(n) + " can be listed", nil
}

// get asks for the first byte of an object that is there, or of one that is not: S3 says
// that it is not there only to who may list the bucket, and names that permission to who
// may not but could read.
func (e *examination) get(ctx context.Context, id *identity, n access.Need) (string, error) {
	key, listed := id.objects[address(n)]
	switch {
	case listed:
	case n.Prefix == "" || strings.HasSuffix(n.Prefix, "/"):
		key = below(n.Prefix)
	default:
		key = n.Prefix
	}
	probe := strings.HasSuffix(key, nobody) || id.hidden[address(n)] // perhaps no object, and that is well
	err := id.session.Bucket(n.Bucket).TryGet(ctx, key)
	missing, denied := aws.IsMissing(err)
	switch {
	case denied && missing.Action == aws.ActionListBucket:
		return address(n) + "* can be read", nil
	case denied && !missing.Told && !listed && strings.HasSuffix(key, nobody):
		e.report(Check{
			Result: Warn, Name: n.Action, Place: n.Place, Account: id.caller.Account, Principal: id.principal(n),
			Action: n.Action, Resource: missing.Resource, Hint: "allow it if the policy lacks it, as trailhouse setup policy prints it",
			Text: id.lacking(n, missing) + ", or only " + aws.ActionListBucket + ", by which S3 would say that there is no such object",
		})
		return "", errTold
	case trailhouse.CodeOf(err) == trailhouse.CodeNotFound && probe && !strings.Contains(err.Error(), "NoSuchBucket"):
		return address(n) + "* can be read", nil
	}
	return address(n) + "* can be read", err
}

// topic looks at a topic and at who would hear it.
func (e *examination) topic(ctx context.Context, id *identity, n access.Need) (string, error) {
	confirmed, pending, err := id.session.Topic(n.Topic).Try(ctx)
	if err != nil {
		return "", err
	}
	if confirmed == "0" {
		e.warn(n.Action, n.Place, "subscribe someone, and confirm the subscription in the mail that AWS sent",
			"%s has no confirmed subscription (%s wait to be confirmed): nobody would hear of a report", n.Topic, pending)
		return "", errTold
	}
	return fmt.Sprintf("%s is there, with %s confirmed subscriptions", n.Topic, confirmed), nil
}
