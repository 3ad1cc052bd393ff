package trail

// whole is a record given whole, as a template.
type whole struct {
	name   string
	text   string
	times  int
	failed *failure // what the record ends with
	global bool     // in fakeRegion
}

// awkward plans the records that trip readers (facts/cloudtrail.md 2.1, 2.4).
func (s *script) awkward() {
	for _, r := range awkwardRecords() {
		t := compile(r.text)
		for range r.times {
			c := s.org.cells[s.below(6*len(regions()))]
			if r.global {
				c = s.org.cells[len(s.org.cells)-1]
			}
			s.add(s.sometime(), c, func(w *writer) (string, *failure) {
				w.caller = c.callers[classPerson][0]
				w.put(t)
				return r.name, r.failed
			})
		}
	}
	s.shared()
}

// shared plans one call that several accounts record: another event for each, with one
// sharedEventID (facts/cloudtrail.md 2.4, 7).
func (s *script) shared() {
	for range 4 {
		at, shared := s.sometime(), s.uuidText()
		t := compile(head + `"eventSource":"s3.amazonaws.com","eventName":"GetObject"` + middle +
			`,"requestParameters":{"bucketName":"example-shared","key":"public/index.json"},"responseElements":null,"requestID":"<upper 16>","eventID":"<eventid>",` +
			`"readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::example-shared/public/index.json"}],"eventType":"AwsApiCall","managementEvent":false,` +
			`"recipientAccountId":"<account>","sharedEventID":"` + shared + `","eventCategory":"Data"}`)
		for i := range 3 {
			c := s.org.cells[i*len(regions())]
			s.add(at, c, func(w *writer) (string, *failure) {
				w.caller = s.org.cells[0].callers[classPerson][1]
				w.put(t)
				return "GetObject", nil
			})
		}
	}
}

// Parts of whole records.
const (
	issued = `"userIdentity":{"type":"AssumedRole","principalId":"AROA<upper 17>:alice@example.com","arn":"<caller>","accountId":"<account>","accessKeyId":"<temporary>",` +
		`"sessionContext":{"attributes":{"creationDate":"<since>","mfaAuthenticated":"false"}}}`
	head   = `{"eventVersion":"1.08",` + issued + `,"eventTime":"<time>",`
	middle = `,"awsRegion":"<region>","sourceIPAddress":"<address>","userAgent":"aws-cli/2.17.44"`
	tail   = `,"requestID":"<uuid>","eventID":"<eventid>","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"<account>","eventCategory":"Management"}`
)

// ordinary returns a record around a service, a name and the two bodies.
func ordinary(source, name, request, response string) string {
	return head + `"eventSource":"` + source + `.amazonaws.com","eventName":"` + name + `"` + middle +
		`,"requestParameters":` + request + `,"responseElements":` + response + tail
}

func serviceEvent(version, source, name, rest string) string {
	return `{"eventVersion":"` + version + `","userIdentity":{"accountId":"<account>","invokedBy":"` + source + `.amazonaws.com"},"eventTime":"<time>",` +
		`"eventSource":"` + source + `.amazonaws.com","eventName":"` + name + `","awsRegion":"<region>","sourceIPAddress":"` + source + `.amazonaws.com","userAgent":"` + source + `.amazonaws.com",` +
		`"requestParameters":null,"responseElements":null,` + rest + `"eventID":"<eventid>","readOnly":false,"eventType":"AwsServiceEvent","managementEvent":true,"recipientAccountId":"<account>","eventCategory":"Management"}`
}

// fleetResponse is CreateFleet's, around what it launched.
func fleetResponse(set string) string {
	return `{"CreateFleetResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"<uuid>","fleetId":"fleet-<uuid>","errorSet":"","fleetInstanceSet":` + set + `}}`
}

func awkwardRecords() []whole {
	const spec = `"lifecycle":"on-demand","instanceType":"<type>","launchTemplateAndOverrides":{"launchTemplateSpecification":{"launchTemplateId":"<template>","version":"3"}}`
	list := []whole{
		// XML turned into JSON: an empty list is a text, one element an object.
		{name: "CreateFleet", times: 3, text: ordinary("ec2", "CreateFleet", fleetRequest, fleetResponse(`""`))},
		{name: "CreateFleet", times: 3, text: ordinary("ec2", "CreateFleet", fleetRequest, fleetResponse(`{"item":{`+spec+`,"instanceIds":{"item":"i-0<hex 16>"}}}`))},
		{name: "CreateFleet", times: 3, text: ordinary("ec2", "CreateFleet", fleetRequest, fleetResponse(`{"item":[{`+spec+`,"instanceIds":{"item":["i-0<hex 16>","i-0<hex 16>"]}},{`+spec+`,"instanceIds":{"item":"i-0<hex 16>"}}]}`))},
		{name: "ModifyInstanceMetadataOptions", times: 2, text: ordinary("ec2", "ModifyInstanceMetadataOptions", `{"ModifyInstanceMetadataOptionsRequest":{"InstanceId":"<instance>","HttpTokens":"required"}}`,
			`{"ModifyInstanceMetadataOptionsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","instanceId":"<instance>","requestId":"<uuid>","instanceMetadataOptions":{"httpTokens":"required","state":"pending"}}}`)},
		{name: "CreateReplaceRootVolumeTask", times: 1, text: ordinary("ec2", "CreateReplaceRootVolumeTask", `{"CreateReplaceRootVolumeTaskRequest":{"InstanceId":"<instance>","ClientToken":"<token>"}}`,
			`{"CreateReplaceRootVolumeTaskResponse":{"replaceRootVolumeTask":{"instanceId":"<instance>","taskState":"pending"}}}`)},
		{name: "CreateSnapshots", times: 1, text: ordinary("ec2", "CreateSnapshots", `{"CreateSnapshotsRequest":{"InstanceSpecification":{"InstanceId":"<instance>","ExcludeBootVolume":false}}}`, `{"CreateSnapshotsResponse":{"snapshotSet":{"item":{"snapshotId":"<snapshot>"}}}}`)},
		{name: "ReplaceIamInstanceProfileAssociation", times: 1, text: ordinary("ec2", "ReplaceIamInstanceProfileAssociation", `{"ReplaceIamInstanceProfileAssociationRequest":{"AssociationId":"iip-assoc-0<hex 16>"}}`,
			`{"ReplaceIamInstanceProfileAssociationResponse":{"iamInstanceProfileAssociation":{"instanceId":"<instance>","state":"associating"}}}`)},
		// A node group launches twice; the first event has no response.
		{name: "RunInstances", times: 2, text: ordinary("ec2", "RunInstances", `{"launchTemplate":{"launchTemplateId":"<template>","version":"1"},"instancesSet":{"items":[{"minCount":1,"maxCount":1}]},"blockDeviceMapping":{},"clientToken":"<token>"}`, `null`)},
		{name: "RunInstances", times: 2, failed: &failure{code: "Client.VcpuLimitExceeded"}, text: head + `"eventSource":"ec2.amazonaws.com","eventName":"RunInstances"` + middle +
			`,"errorCode":"Client.VcpuLimitExceeded","errorMessage":"You have requested more vCPU capacity than your current vCPU limit of 0 allows.","requestParameters":{"instancesSet":{"items":[{"imageId":"<ami>","minCount":1,"maxCount":10}]},"instanceType":"m5.24xlarge","enclaveOptions":{"enabled":true}},"responseElements":null` + tail},
	}
	return append(append(list, oddIdentities()...), oddValues()...)
}

// oddIdentities are records whose caller or frame is unusual.
func oddIdentities() []whole {
	return []whole{
		{name: "SharedSnapshotVolumeCreated", times: 6, text: serviceEvent("1.08", "ec2", "SharedSnapshotVolumeCreated", `"sharedEventID":"<uuid>","serviceEventDetails":{"snapshotId":"<snapshot>"},`)},
		{name: "BidEvictedEvent", times: 3, text: serviceEvent("1.05", "ec2", "BidEvictedEvent", `"serviceEventDetails":{"instanceIdSet":["i-0<hex 16>","i-0<hex 16>"]},`)},
		{name: "StartSecretVersionDelete", times: 3, text: serviceEvent("1.09", "secretsmanager", "StartSecretVersionDelete",
			`"additionalEventData":{"ARN":"`+secretARN+`","Name":"<secret>"},"requestID":"SecretDeleteMessage:`+secretARN+`:2025-08-01T00:00:00Z:Forced",`)},
		{name: "RotateKey", times: 2, text: serviceEvent("1.10", "kms", "RotateKey", `"resources":[`+keyOnly+`],"serviceEventDetails":{"keyId":"<key>","rotationType":"AUTOMATIC"},`)},
		{name: "ConsoleLogin", times: 2, failed: &failure{}, text: `{"eventVersion":"1.08","userIdentity":{"type":"Root","principalId":"<account>","arn":"arn:aws:iam::<account>:root","accountId":"<account>","accessKeyId":""},"eventTime":"<time>","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"<region>","sourceIPAddress":"2001:db8::<hex 3>","userAgent":"Mozilla/5.0","errorMessage":"Failed authentication","requestParameters":null,"responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"No"},"eventID":"<eventid>","readOnly":false,"eventType":"AwsConsoleSignIn","managementEvent":true,"recipientAccountId":"<account>","eventCategory":"Management"}`},
		{name: "CreateSecret", times: 1, failed: &failure{code: "InternalServiceError"}, text: head + `"eventSource":"secretsmanager.amazonaws.com","eventName":"CreateSecret"` + middle + `,"errorCode":"InternalServiceError","requestParameters":{"name":"<secret>"},"responseElements":null` + tail},
		{name: "DescribeSnapshots", times: 2, text: `{"eventVersion":"1.09","userIdentity":{"type":"IdentityCenterUser","principalId":"","accountId":"<account>","credentialId":"<hex 32>","onBehalfOf":{"userId":"<uuid>","identityStoreArn":"arn:aws:identitystore::<account>:identitystore/d-<hex 10>"}},"eventTime":"<time>","eventSource":"ec2.amazonaws.com","eventName":"DescribeSnapshots"` + middle + `,"requestParameters":{"snapshotSet":{},"maxResults":5},"responseElements":null,"requestID":"<uuid>","eventID":"<eventid>","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"<account>","eventCategory":"Management"}`},
		{name: "AssumeRoleWithSAML", times: 2, text: `{"eventVersion":"1.08","userIdentity":{"type":"SAMLUser","principalId":"<base64 27>=:alice@example.com","userName":"alice@example.com","identityProvider":"<base64 27>="},"eventTime":"<time>","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithSAML"` + middle + `,"requestParameters":{"sAMLAssertionID":"_<uuid>","roleSessionName":"alice@example.com","roleArn":"arn:aws:iam::<account>:role/<role>","principalArn":"arn:aws:iam::<account>:saml-provider/okta"},"responseElements":{"subjectType":"transient","issuer":"http://www.okta.com/<hex 20>","audience":"https://signin.aws.amazon.com/saml"},"requestID":"<uuid>","eventID":"<eventid>","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"<account>","eventCategory":"Management"}`},
		{name: "DescribeRegions", times: 3, global: true, text: ordinary("ec2", "DescribeRegions", `{"regionSet":{}}`, `null`)},
		{name: "PutBucketAcl", times: 1, text: head + `"eventSource":"s3.amazonaws.com","eventName":"PutBucketAcl"` + middle + `,"requestParameters":{"bucketName":"<bucket>","AccessControlPolicy":{"AccessControlList":{"Grant":[{"Grantee":{"xsi:type":"CanonicalUser","ID":"<hex 64>"},"Permission":"FULL_CONTROL"}]}}},"responseElements":null,"addendum":{"reason":"UPDATED_DATA","updatedFields":"responseElements","originalRequestID":"<upper 16>","originalEventID":"<uuid>"}` + tail},
		{name: "ReceiveNewField", times: 1, text: head + `"eventSource":"example.amazonaws.com","eventName":"ReceiveNewField"` + middle + `,"requestParameters":null,"responseElements":null,"fieldOfTheFuture":{"a":[1,2.50,1e3,null],"b":"x"}` + tail},
	}
}

// oddValues are records whose bodies are unusual.
func oddValues() []whole {
	return []whole{
		{name: "UpdateTable", times: 1, text: ordinary("glue", "UpdateTable", `{"databaseName":"curated","tableInput":{"name":"<table>","parameters":{"classification":"parquet"}}}`, `null`)},
		{name: "UpdateTable", times: 1, text: ordinary("glue", "UpdateTable", `{"databaseName":"curated","tableInput":{"name":"<table>","parameters":"HIDDEN_DUE_TO_SECURITY_REASONS"}}`, `null`)},
		{name: "TagResource", times: 1, text: ordinary("ecs", "TagResource", `{"resourceArn":"arn:aws:ecs:<region>:<account>:cluster/<cluster>","tags":{"team":"Söder & Ångström \u2028 \"quoted\" \\ / \/"}}`, `{}`)},
		{name: "TagResource", times: 1, text: ordinary("ecs", "TagResource", `{"resourceArn":"arn:aws:ecs:<region>:<account>:cluster/<cluster>","tags":"team=payments"}`, `null`)},
		{name: "PutItemCount", times: 1, text: ordinary("example", "PutItemCount", `{"count":12345678901234567890,"ratio":0.1000,"big":1.7976931348623157E308,"small":-0,"list":[],"empty":{},"nothing":null,"yes":true}`, `null`)},
		{name: "LegacyCall", times: 1, text: ordinary("example", "LegacyCall", `"a text where an object is expected"`, `["a list"]`)},
		{name: "PutRule", times: 1, text: ordinary("events", "PutRule", `{"name":"spaces","eventPattern":"{\"source\":[\"aws.ec2\"]}","description":"tab\there, \ud83d\ude80 and \u00e9"}`, `{"ruleArn":"arn:aws:events:<region>:<account>:rule/spaces"}`)},
	}
}
