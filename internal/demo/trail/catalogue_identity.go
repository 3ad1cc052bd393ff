package trail

// identityCalls are those to IAM and Organizations, which record in one region.
func identityCalls() []call {
	trust := `{\n    \"Version\": \"2012-10-17\",\n    \"Statement\": [\n        {\n            \"Effect\": \"Allow\",\n            \"Principal\": {\"Service\": \"ec2.amazonaws.com\"},\n            \"Action\": \"sts:AssumeRole\"\n        }\n    ]\n}\n`
	encoded := `%7B%0A%20%20%20%20%22Version%22%3A%20%222012-10-17%22%2C%0A%20%20%20%20%22Statement%22%3A%20%5B%7B%22Effect%22%3A%20%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22ec2.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%0A%7D%0A`
	policy := `{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Action\": [\"kms:Decrypt\", \"kms:GenerateDataKey\"],\n      \"Resource\": \"arn:aws:kms:*:*:key/*\",\n      \"Condition\": {\"StringEqualsIgnoreCase\": {\"kms:RecipientAttestation:ImageSha384\": \"<hex 96>\"}}\n    }\n  ]\n}\n`
	none := failure{permille: 60, code: "NoSuchEntityException", message: "The role with name <role> cannot be found."}
	return []call{
		{source: "iam", name: "GetRole", weight: 34, by: "ccsh", global: true, reads: true, request: `{"roleName":"<role>"}`, failures: []failure{none}},
		{source: "iam", name: "ListAttachedRolePolicies", weight: 24, by: "ccs", global: true, reads: true, request: `{"roleName":"<role>","maxItems":100}`},
		{source: "iam", name: "GetUser", weight: 12, by: "suc", global: true, reads: true, request: `{"userName":"<user>"}`},
		{source: "iam", name: "ListAccessKeys", weight: 8, by: "s", global: true, reads: true, request: `{"userName":"<user>"}`},
		{source: "iam", name: "GetPolicyVersion", weight: 10, by: "cs", global: true, reads: true, request: `{"policyArn":"arn:aws:iam::<account>:policy/<policy>","versionId":"v<number 9>"}`},
		{source: "iam", name: "CreateRole", weight: 4, by: "cs", global: true,
			request:  `{"path":"/","roleName":"<role>","assumeRolePolicyDocument":"` + trust + `","maxSessionDuration":3600,"tags":[{"key":"team","value":"platform"}]}`,
			response: `{"role":{"path":"/","roleName":"<role>","roleId":"AROA<upper 17>","arn":"arn:aws:iam::<account>:role/<role>","createDate":"<english>","assumeRolePolicyDocument":"` + encoded + `","tags":[{"key":"team","value":"platform"}]}}`,
			failures: []failure{{permille: 150, code: "EntityAlreadyExistsException", message: "Role with name <role> already exists."}}},
		{source: "iam", name: "PutRolePolicy", weight: 6, by: "cs", global: true, request: `{"roleName":"<role>","policyName":"inline-kms","policyDocument":"` + policy + `"}`},
		{source: "iam", name: "AttachRolePolicy", weight: 6, by: "cs", global: true, request: `{"roleName":"<role>","policyArn":"arn:aws:iam::<account>:policy/<policy>"}`},
		{source: "iam", name: "DeleteRole", weight: 2, by: "c", global: true, request: `{"roleName":"<role>"}`},
		{source: "iam", name: "CreatePolicyVersion", weight: 4, by: "cs", global: true,
			request:  `{"policyArn":"arn:aws:iam::<account>:policy/<policy>","policyDocument":"` + policy + `","setAsDefault":true}`,
			response: `{"policyVersion":{"versionId":"v<number 9>","isDefaultVersion":true,"createDate":"<english>"}}`},
		{source: "iam", name: "CreateUser", weight: 1, by: "s", global: true, request: `{"userName":"<user>","tags":[{"key":"purpose","value":"integration"}]}`,
			response: `{"user":{"path":"/","userName":"<user>","userId":"AIDA<upper 17>","arn":"arn:aws:iam::<account>:user/<user>","createDate":"<english>","tags":[{"key":"purpose","value":"integration"}]}}`},
		{source: "iam", name: "CreateAccessKey", weight: 2, by: "ks", global: true, request: `{"userName":"<user>"}`,
			response: `{"accessKey":{"userName":"<user>","accessKeyId":"AKIA<upper 16>","status":"Active","createDate":"<english>"}}`,
			failures: []failure{{permille: 80, code: "LimitExceededException", message: "Cannot exceed quota for AccessKeysPerUser: 2"}}},
		{source: "iam", name: "DeleteAccessKey", weight: 2, by: "ks", global: true, request: `{"userName":"<user>","accessKeyId":"AKIA<upper 16>"}`},
		{source: "organizations", name: "DescribeOrganization", weight: 6, by: "cs", global: true, reads: true},
		{source: "organizations", name: "ListAccounts", weight: 4, by: "c", global: true, reads: true, request: `{"maxResults":20,"nextToken":"<base64 120>"}`},
	}
}

// keyCalls are those to KMS without an attestation document.
func keyCalls() []call {
	context := `"encryptionContext":{"aws:lambda:FunctionArn":"` + lambdaARN + `"}`
	stored := `"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::<bucket>/<object>"}`
	return []call{
		{source: "kms", name: "Decrypt", weight: 150, by: "hhllv", service: "lambda", reads: true, resource: keyOnly,
			request: `{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","keyId":"` + keyARN + `",` + context + `}`, extra: `{"keyMaterialId":"<material>"}`},
		{source: "kms", name: "GenerateDataKey", weight: 80, by: "v", service: "cloudtrail", reads: true, resource: keyOnly,
			request: `{"keySpec":"AES_256","keyId":"` + keyARN + `","encryptionContext":{"aws:cloudtrail:arn":"arn:aws:cloudtrail:<region>:<account>:trail/org-trail","aws:s3:arn":"arn:aws:s3:::example-trail-logs/AWSLogs/` + OrgID + `/<account>/CloudTrail/<region>/<hex 16>.json.gz"}}`,
			extra:   `{"keyMaterialId":"<material>"}`},
		{source: "kms", name: "GenerateDataKey", weight: 40, by: "hl", reads: true, resource: keyOnly,
			request: `{"keySpec":"AES_256","keyId":"` + keyARN + `",` + stored + `}`, extra: `{"keyMaterialId":"<material>"}`},
		{source: "kms", name: "Encrypt", weight: 16, by: "hl", reads: true, resource: keyOnly, request: `{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","keyId":"` + keyARN + `",` + context + `}`},
		{source: "kms", name: "DescribeKey", weight: 14, by: "csv", service: "ssm", reads: true, resource: keyOnly, request: `{"keyId":"` + keyARN + `"}`},
		{source: "kms", name: "CreateGrant", weight: 5, by: "vh", service: "ec2", resource: keyOnly,
			request:  `{"keyId":"` + keyARN + `","granteePrincipal":"autoscaling.<region>.amazonaws.com","retiringPrincipal":"ec2.<region>.amazonaws.com","operations":["Decrypt","GenerateDataKeyWithoutPlaintext","CreateGrant"],"constraints":{"encryptionContextSubset":{"aws:ebs:id":"<volume>"}}}`,
			response: `{"grantId":"<hex 64>","keyId":"` + keyARN + `"}`},
		{source: "kms", name: "DisableKey", weight: 1, by: "s", resource: keyOnly, request: `{"keyId":"` + keyARN + `"}`, response: `{"keyId":"` + keyARN + `"}`},
		{source: "kms", name: "PutKeyPolicy", weight: 1, by: "cs", resource: keyOnly, request: `{"keyId":"` + keyARN + `","policyName":"default","policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::<account>:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}","bypassPolicyLockoutSafetyCheck":false}`},
	}
}
