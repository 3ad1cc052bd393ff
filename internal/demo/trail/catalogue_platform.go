package trail

// codeCalls are those to Lambda and the registries.
func codeCalls() []call {
	return []call{
		{source: "lambda", name: "Invoke", weight: 90, by: "vvhl", service: "apigateway", data: true, request: `{"functionName":"` + lambdaARN + `","invocationType":"RequestResponse","sourceArn":"arn:aws:execute-api:<region>:<account>:<hex 10>/prod/POST/v1/orders","contentType":"application/json"}`,
			extra: `{"functionVersion":"` + lambdaARN + `:$LATEST"}`, resource: `{"accountId":"<account>","type":"AWS::Lambda::Function","ARN":"` + lambdaARN + `"}`,
			failures: []failure{{permille: 10, code: "TooManyRequestsException", message: "Rate Exceeded."}}},
		{source: "lambda", name: "GetFunction20150331v2", weight: 12, by: "cs", reads: true, request: `{"functionName":"<function>"}`},
		{source: "lambda", name: "UpdateFunctionCode20150331v2", weight: 8, by: "c", request: `{"functionName":"<function>","s3Bucket":"<bucket>","s3Key":"<object>","publish":false,"dryRun":false}`, response: functionConfig},
		{source: "lambda", name: "CreateFunction20150331", weight: 2, by: "c", response: functionConfig,
			request: `{"functionName":"<function>","runtime":"python3.12","role":"arn:aws:iam::<account>:role/lambda-<role>","handler":"app.handler","code":{"s3Bucket":"<bucket>","s3Key":"<object>"},"timeout":30,"memorySize":512,"publish":false,"environment":{},"tracingConfig":{"mode":"Active"}}`},
		{source: "ecr", name: "BatchGetImage", weight: 24, by: "vhc", service: "ecs-tasks", reads: true, request: `{"registryId":"<account>","repositoryName":"<stack>","imageIds":[{"imageDigest":"sha256:<material>"}],"acceptedMediaTypes":["application/vnd.oci.image.manifest.v1+json","application/vnd.docker.distribution.manifest.v2+json"]}`,
			resource: `{"accountId":"<account>","ARN":"arn:aws:ecr:<region>:<account>:repository/<stack>"}`},
		{source: "ecr", name: "GetAuthorizationToken", weight: 14, by: "hc", reads: true},
	}
}

const functionConfig = `{"functionName":"<function>","functionArn":"` + lambdaARN + `","runtime":"python3.12","role":"arn:aws:iam::<account>:role/lambda-<role>","handler":"app.handler",` +
	`"codeSize":<number 9000000>,"description":"","timeout":30,"memorySize":512,"lastModified":"<time>","codeSha256":"<base64 43>=","version":"$LATEST","tracingConfig":{"mode":"Active"},` +
	`"revisionId":"<uuid>","state":"Active","lastUpdateStatus":"InProgress","packageType":"Zip","architectures":["arm64"],"ephemeralStorage":{"size":512},"snapStart":{"applyOn":"None","optimizationStatus":"Off"},` +
	`"loggingConfig":{"logFormat":"JSON","logGroup":"/aws/lambda/<function>"}}`

// systemCalls are CloudWatch, Logs and Systems Manager.
func systemCalls() []call {
	return []call{
		{source: "logs", name: "CreateLogStream", weight: 70, by: "llvh", service: "lambda", request: `{"logGroupName":"<loggroup>","logStreamName":"2025/08/01/[$LATEST]<hex 32>"}`,
			failures: []failure{{permille: 40, code: "ResourceAlreadyExistsException", message: "The specified log stream already exists"}}},
		{source: "logs", name: "DescribeLogGroups", weight: 10, by: "sc", reads: true, request: `{"logGroupNamePrefix":"<loggroup>","limit":50}`},
		{source: "logs", name: "CreateLogGroup", weight: 4, by: "lc", request: `{"logGroupName":"<loggroup>","tags":{"team":"platform"}}`,
			failures: []failure{{permille: 500, code: "ResourceAlreadyExistsException", message: "The specified log group already exists"}}},
		{source: "logs", name: "PutRetentionPolicy", weight: 2, by: "c", request: `{"logGroupName":"<loggroup>","retentionInDays":30}`},
		{source: "monitoring", name: "DescribeAlarms", weight: 24, by: "hsv", service: "autoscaling", reads: true, request: `{"alarmNamePrefix":"TargetTracking-<group>","maxRecords":100}`},
		{source: "monitoring", name: "PutMetricAlarm", weight: 5, by: "cv", service: "autoscaling", request: `{"alarmName":"TargetTracking-<group>-AlarmHigh-<uuid>","namespace":"AWS/EC2","metricName":"CPUUtilization","statistic":"Average","period":60,"evaluationPeriods":3,"threshold":50.0,"comparisonOperator":"GreaterThanThreshold","dimensions":[{"name":"AutoScalingGroupName","value":"<group>"}],"alarmActions":["arn:aws:autoscaling:<region>:<account>:scalingPolicy:<uuid>:autoScalingGroupName/<group>:policyName/cpu"]}`},
		{source: "monitoring", name: "GetMetricData", weight: 20, by: "hs", reads: true, data: true, request: `{"startTime":"<english>","endTime":"<english>","scanBy":"TimestampDescending","metricDataQueries":[{"id":"m1","metricStat":{"metric":{"namespace":"AWS/Lambda","metricName":"Errors","dimensions":[{"name":"FunctionName","value":"<function>"}]},"period":300,"stat":"Sum"},"returnData":true}]}`},
		{source: "ssm", name: "GetParameter", weight: 50, by: "hlc", reads: true, request: `{"name":"<parameter>","withDecryption":true}`, resource: `{"accountId":"<account>","ARN":"arn:aws:ssm:<region>:<account>:parameter<parameter>"}`,
			failures: []failure{{permille: 15, code: "ParameterNotFound"}}},
		{source: "ssm", name: "PutParameter", weight: 3, by: "cs", request: `{"name":"<parameter>","type":"SecureString","keyId":"alias/aws/ssm","overwrite":true,"value":"<removed>","tier":"Standard","dataType":"text"}`, response: `{"version":<digits 2>,"tier":"Standard"}`},
		{source: "ssm", name: "UpdateInstanceInformation", weight: 60, by: "h", request: `{"instanceId":"<instance>","agentVersion":"3.3.987.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023","iPAddress":"<private>","computerName":"ip-<hex 8>.ec2.internal","agentName":"amazon-ssm-agent","availabilityZone":"<zone>","availabilityZoneId":"use1-az<digits 1>","sSMConnectionChannel":"ssmmessages"}`},
		{source: "ssm", name: "SendCommand", weight: 3, by: "sc", request: `{"documentName":"AWS-RunShellScript","instanceIds":["<instance>"],"interactive":false,"parameters":"<removed>"}`,
			response: `{"command":{"commandId":"<uuid>","documentName":"AWS-RunShellScript","documentVersion":"$DEFAULT","comment":"","expiresAfter":"<english>","parameters":"<removed>","instanceIds":["<instance>"],"targets":[],"requestedDateTime":"<english>","status":"Pending","statusDetails":"Pending","outputS3Region":"<region>","maxConcurrency":"50","maxErrors":"0","targetCount":1,"completedCount":0,"errorCount":0,"deliveryTimedOutCount":0,"timeoutSeconds":3600}}`},
		{source: "ssm", name: "StartSession", weight: 3, by: "s", request: `{"target":"<instance>"}`, response: `{"sessionId":"alice@example.com-<hex 17>","tokenValue":"<removed>","streamUrl":"wss://ssmmessages.<region>.amazonaws.com/v1/data-channel/alice@example.com-<hex 17>?role=publish_subscribe&cell-number=<base64 60>"}`},
	}
}

// secretCalls are Secrets Manager and DynamoDB.
func secretCalls() []call {
	row := `{"accountId":"<account>","type":"AWS::DynamoDB::Table","ARN":"` + tableARN + `"}`
	return []call{
		{source: "secretsmanager", name: "GetSecretValue", weight: 44, by: "hlv", service: "rds", reads: true, request: `{"secretId":"` + secretARN + `","versionStage":"AWSCURRENT"}`,
			failures: []failure{{permille: 12, code: "ResourceNotFoundException", message: "Secrets Manager can't find the specified secret."}}},
		{source: "secretsmanager", name: "PutSecretValue", weight: 3, by: "lc", request: `{"clientRequestToken":"<token>","secretId":"` + secretARN + `","versionStages":["AWSPENDING"]}`, response: `{"arn":"` + secretARN + `"}`},
		{source: "dynamodb", name: "GetItem", weight: 60, by: "hl", reads: true, data: true, request: `{"tableName":"<table>","key":{"pk":"<removed>","sk":"<removed>"},"consistentRead":false,"returnConsumedCapacity":"NONE"}`, resource: row},
		{source: "dynamodb", name: "UpdateItem", weight: 30, by: "hl", data: true, request: `{"tableName":"<table>","key":{"pk":"<removed>","sk":"<removed>"},"updateExpression":"<removed>"}`, resource: row,
			failures: []failure{{permille: 20, code: "ConditionalCheckFailedException", message: "The conditional request failed"}}},
		{source: "dynamodb", name: "DescribeTable", weight: 14, by: "cv", service: "application-autoscaling", reads: true, request: `{"tableName":"<table>"}`, resource: row},
	}
}

// messageCalls are SNS and SQS.
func messageCalls() []call {
	topic := `arn:aws:sns:<region>:<account>:<topic>`
	queue := `https://sqs.<region>.amazonaws.com/<account>/<queue>`
	return []call{
		{source: "sns", name: "Publish", weight: 20, by: "hl", data: true, request: `{"topicArn":"` + topic + `","message":"<removed>","messageStructure":"<removed>"}`, response: `{"messageId":"<uuid>"}`, resource: `{"accountId":"<account>","type":"AWS::SNS::Topic","ARN":"` + topic + `"}`},
		{source: "sns", name: "Subscribe", weight: 2, by: "c", request: `{"topicArn":"` + topic + `","protocol":"sqs","endpoint":"arn:aws:sqs:<region>:<account>:<queue>","returnSubscriptionArn":true}`, response: `{"subscriptionArn":"` + topic + `:<uuid>"}`},
		{source: "sqs", name: "SendMessage", weight: 24, by: "hl", data: true, request: `{"queueUrl":"` + queue + `","messageBody":"<removed>","messageGroupId":"<removed>"}`, response: `{"messageId":"<uuid>","mD5OfMessageBody":"<hex 32>"}`,
			resource: `{"accountId":"<account>","type":"AWS::SQS::Queue","ARN":"arn:aws:sqs:<region>:<account>:<queue>"}`},
		{source: "sqs", name: "GetQueueAttributes", weight: 12, by: "hcv", service: "lambda", reads: true, request: `{"queueUrl":"` + queue + `","attributeNames":["All"]}`},
	}
}

// deploymentCalls are what pipelines and services do about the rest.
func deploymentCalls() []call {
	stack := `arn:aws:cloudformation:<region>:<account>:stack/<stack>/<uuid>`
	return []call{
		{source: "cloudformation", name: "DescribeStacks", weight: 24, by: "ccs", reads: true, request: `{"stackName":"<stack>"}`},
		{source: "cloudformation", name: "UpdateStack", weight: 4, by: "c", request: `{"stackName":"<stack>","usePreviousTemplate":false,"templateURL":"https://example-artifacts.s3.amazonaws.com/<hex 40>.template","capabilities":["CAPABILITY_NAMED_IAM"],"parameters":[{"parameterKey":"Image","parameterValue":"<ami>"},{"parameterKey":"Revision","parameterValue":"<hex 40>"}],"tags":[{"key":"team","value":"platform"}]}`, response: `{"stackId":"` + stack + `"}`,
			failures: []failure{{permille: 200, code: "ValidationException", message: "No updates are to be performed."}}},
		{source: "codebuild", name: "StartBuild", weight: 5, by: "cv", service: "codepipeline", request: `{"projectName":"<stack>","sourceVersion":"<hex 40>"}`,
			response: `{"build":{"id":"<stack>:<uuid>","arn":"arn:aws:codebuild:<region>:<account>:build/<stack>:<uuid>","startTime":"<english>","currentPhase":"QUEUED","buildStatus":"IN_PROGRESS","projectName":"<stack>","phases":[{"phaseType":"SUBMITTED","phaseStatus":"SUCCEEDED","startTime":"<english>","durationInSeconds":0}],"source":{"type":"GITHUB","location":"https://github.com/example-corp/<stack>.git","gitCloneDepth":1},"environment":{"type":"LINUX_CONTAINER","image":"aws/codebuild/amazonlinux2-x86_64-standard:5.0","computeType":"BUILD_GENERAL1_SMALL","environmentVariables":[],"privilegedMode":true},"serviceRole":"arn:aws:iam::<account>:role/codebuild-service-role","initiator":"codepipeline/<stack>"}}`},
		{source: "ecs", name: "UpdateService", weight: 4, by: "c", request: `{"cluster":"<cluster>","service":"<stack>","desiredCount":<number 12>,"taskDefinition":"<stack>:<digits 3>","forceNewDeployment":true}`},
		{source: "ecs", name: "DescribeTasks", weight: 24, by: "vch", service: "application-autoscaling", reads: true, request: `{"cluster":"<cluster>","tasks":["arn:aws:ecs:<region>:<account>:task/<cluster>/<hex 32>"]}`},
		{source: "config", name: "PutEvaluations", weight: 20, by: "lv", service: "securityhub", request: `{"evaluations":[{"complianceResourceType":"AWS::EC2::Instance","complianceResourceId":"<instance>","complianceType":"COMPLIANT","orderingTimestamp":"<english>"}],"resultToken":"<base64 100>","testMode":false}`, response: `{"failedEvaluations":[]}`},
		{source: "cloudtrail", name: "LookupEvents", weight: 6, by: "sk", reads: true, request: `{"maxResults":50,"lookupAttributes":[{"attributeKey":"ResourceName","attributeValue":"<instance>"}]}`,
			failures: []failure{{permille: 120, code: "ThrottlingException", message: "Rate exceeded"}}},
		{source: "health", name: "DescribeEventAggregates", weight: 10, by: "k", reads: true, request: `{"filter":{"eventStatusCodes":["open","upcoming"],"startTimes":[{"from":"<english>"}]},"aggregateField":"eventTypeCategory"}`},
		{source: "rds", name: "DescribeDBInstances", weight: 14, by: "cs", reads: true, request: `{"dBInstanceIdentifier":"<stack>"}`},
		{source: "glue", name: "GetTable", weight: 14, by: "hl", reads: true, request: `{"databaseName":"curated","name":"<table>"}`},
	}
}
