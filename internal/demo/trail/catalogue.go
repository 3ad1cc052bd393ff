package trail

// catalogue returns what the organisation calls, by service. Weights are parts of some
// thousand.
func catalogue() []call {
	var out []call
	for _, calls := range [][]call{objectCalls(), bucketCalls(), tokenCalls(), identityCalls(), computeReads(), computeWrites(), keyCalls(), codeCalls(),
		systemCalls(), secretCalls(), messageCalls(), deploymentCalls()} {
		out = append(out, calls...)
	}
	return out
}

// Parts of bodies that many calls share.
const (
	objectHost  = `"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com"`
	objectExtra = `{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":<number 90000>,"AuthenticationMethod":"AuthHeader",` +
		`"x-amz-id-2":"<base64 75>=","bytesTransferredOut":<number 900000>}`
	bucketARN  = `{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}`
	objectARN  = `{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::<bucket>/<object>"},` + bucketARN
	keyARN     = `arn:aws:kms:<region>:<account>:key/<key>`
	keyOnly    = `{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"` + keyARN + `"}`
	secretARN  = `arn:aws:secretsmanager:<region>:<account>:secret:<secret>` //nolint:gosec // the form of an ARN, no credential
	lambdaARN  = `arn:aws:lambda:<region>:<account>:function:<function>`
	tableARN   = `arn:aws:dynamodb:<region>:<account>:table/<table>`
	encryption = `"x-amz-server-side-encryption":"aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"` + keyARN + `"`
)

// objectCalls are S3's data events.
func objectCalls() []call {
	missing := failure{permille: 18, code: "NoSuchKey", message: "The specified key does not exist."}
	return []call{
		{source: "s3", name: "GetObject", weight: 190, by: "hhhllsx", reads: true, data: true, resource: objectARN, extra: objectExtra,
			request: `{` + objectHost + `,"key":"<object>"}`, failures: []failure{missing}},
		{source: "s3", name: "PutObject", weight: 120, by: "hhllc", data: true, resource: objectARN, extra: objectExtra,
			request:  `{` + objectHost + `,"key":"<object>","x-amz-storage-class":"INTELLIGENT_TIERING"}`,
			response: `{` + encryption + `,"x-amz-version-id":"<base64 32>"}`},
		{source: "s3", name: "PutObject", weight: 45, by: "v", service: "cloudtrail", data: true, resource: objectARN, extra: objectExtra,
			request:  `{` + objectHost + `,"x-amz-acl":"bucket-owner-full-control",` + encryption + `,"key":"AWSLogs/` + OrgID + `/<account>/CloudTrail/<region>/2025/<digits 12>_<hex 16>.json.gz"}`,
			response: `{` + encryption + `}`},
		{source: "s3", name: "PutObject", weight: 20, by: "v", service: "delivery.logs", data: true, resource: objectARN,
			request:  `{` + objectHost + `,"x-amz-acl":"bucket-owner-full-control","key":"AWSLogs/<account>/vpcflowlogs/<region>/<object>"}`,
			failures: []failure{{permille: 700, code: "AccessDenied", message: "Access Denied"}}},
		{source: "s3", name: "HeadObject", weight: 40, by: "hl", reads: true, data: true, resource: objectARN, extra: objectExtra,
			request: `{` + objectHost + `,"key":"<object>"}`, failures: []failure{missing}},
		{source: "s3", name: "DeleteObject", weight: 14, by: "hl", data: true, resource: objectARN, extra: objectExtra, request: `{` + objectHost + `,"key":"<object>"}`},
		{source: "s3", name: "ListObjects", weight: 40, by: "hlsu", reads: true, data: true, extra: objectExtra,
			request:  `{"list-type":"2",` + objectHost + `,"prefix":"curated/payments/","max-keys":"1000","encoding-type":"url"}`,
			resource: `{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::<bucket>/curated/payments/"},` + bucketARN},
	}
}

// bucketCalls are S3's management events.
func bucketCalls() []call {
	return []call{
		{source: "s3", name: "GetBucketAcl", weight: 60, by: "vvvs", service: "cloudtrail", reads: true, resource: bucketARN, extra: objectExtra, request: `{` + objectHost + `,"acl":""}`},
		{source: "s3", name: "ListBuckets", weight: 6, by: "suc", reads: true, extra: objectExtra, request: `{"Host":"s3.<region>.amazonaws.com"}`},
		{source: "s3", name: "GetBucketLocation", weight: 6, by: "sc", reads: true, resource: bucketARN, extra: objectExtra, request: `{"location":"",` + objectHost + `}`},
		{source: "s3", name: "GetBucketPolicyStatus", weight: 5, by: "s", reads: true, resource: bucketARN, extra: objectExtra, request: `{"policyStatus":"",` + objectHost + `}`},
		{source: "s3", name: "CreateBucket", weight: 1, by: "c", resource: bucketARN, extra: objectExtra,
			request: `{"CreateBucketConfiguration":{"LocationConstraint":"<region>","xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"},` + objectHost + `}`},
		{source: "s3", name: "PutBucketPolicy", weight: 2, by: "cs", resource: bucketARN, extra: objectExtra,
			request: `{"bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"DenyPlain","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::<bucket>/*"],` +
				`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]},` + objectHost + `,"policy":""}`},
		{source: "s3", name: "PutBucketTagging", weight: 2, by: "c", resource: bucketARN, extra: objectExtra,
			request: `{"tagging":"",` + objectHost + `,"Tagging":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","TagSet":{"Tag":[{"Key":"team","Value":"payments"},{"Key":"cost-center","Value":"<digits 5>"}]}}}`},
	}
}

// tokenCalls are STS and sign-in.
func tokenCalls() []call {
	session := `"credentials":{"accessKeyId":"ASIA<upper 16>","sessionToken":"<base64 344>","expiration":"<english>"}`
	role := `arn:aws:iam::<account>:role/<role>`
	return []call{
		{source: "sts", name: "AssumeRole", weight: 70, by: "vvhlcs", service: "lambda", reads: true,
			request:  `{"roleArn":"` + role + `","roleSessionName":"<function>","durationSeconds":3600}`,
			response: `{` + session + `,"assumedRoleUser":{"assumedRoleId":"AROA<upper 17>:<function>","arn":"arn:aws:sts::<account>:assumed-role/<role>/<function>"}}`,
			resource: `{"accountId":"<account>","type":"AWS::IAM::Role","ARN":"` + role + `"}`},
		{source: "sts", name: "AssumeRoleWithWebIdentity", weight: 14, by: "w", reads: true,
			request:  `{"roleArn":"arn:aws:iam::<account>:role/ci-deploy","roleSessionName":"GitHubActions","durationSeconds":3600}`,
			response: `{` + session + `,"subjectFromWebIdentityToken":"repo:example-corp/<stack>:ref:refs/heads/main","assumedRoleUser":{"assumedRoleId":"AROA<upper 17>:GitHubActions","arn":"arn:aws:sts::<account>:assumed-role/ci-deploy/GitHubActions"},"provider":"arn:aws:iam::<account>:oidc-provider/token.actions.githubusercontent.com","audience":"sts.amazonaws.com"}`,
			extra:    `{"identityProviderConnectionVerificationMethod":"IAMTrustStore"}`, resource: `{"accountId":"<account>","type":"AWS::IAM::Role","ARN":"arn:aws:iam::<account>:role/ci-deploy"}`},
		{source: "sts", name: "GetCallerIdentity", weight: 24, by: "ccsuhl", reads: true},
		{source: "signin", name: "ConsoleLogin", weight: 5, by: "ksr", signin: true,
			response: `{"ConsoleLogin":"Success"}`, extra: `{"LoginTo":"https://console.aws.amazon.com/console/home?hashArgs=%23&isauthcode=true&state=hashArgsFromTB_<region>_<hex 16>","MobileVersion":"No","MFAUsed":"Yes"}`,
			failures: []failure{{permille: 130, message: "Failed authentication", response: `{"ConsoleLogin":"Failure"}`}}},
	}
}
