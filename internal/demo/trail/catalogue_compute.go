package trail

// computeReads are EC2's describing calls: parameters, no response.
func computeReads() []call {
	throttled := failure{permille: 8, code: "Client.RequestLimitExceeded", message: "Request limit exceeded."}
	return []call{
		{source: "ec2", name: "DescribeInstances", weight: 90, by: "hccsuvv", service: "autoscaling", reads: true, failures: []failure{throttled},
			request: `{"maxResults":1000,"instancesSet":{"items":[{"instanceId":"<instance>"}]},"filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"running"},{"value":"pending"}]}},{"name":"vpc-id","valueSet":{"items":[{"value":"<vpc>"}]}}]}}`},
		{source: "ec2", name: "DescribeSecurityGroups", weight: 40, by: "hcs", reads: true, request: `{"securityGroupSet":{},"securityGroupIdSet":{"items":[{"groupId":"<sg>"}]},"filterSet":{}}`},
		{source: "ec2", name: "DescribeVolumes", weight: 30, by: "hcs", reads: true, request: `{"maxResults":500,"volumeSet":{"items":[{"volumeId":"<volume>"}]},"filterSet":{}}`},
		{source: "ec2", name: "DescribeTags", weight: 30, by: "hhc", reads: true, request: `{"maxResults":1000,"tagSet":{},"filterSet":{"items":[{"name":"resource-id","valueSet":{"items":[{"value":"<instance>"}]}}]}}`},
		{source: "ec2", name: "DescribeImages", weight: 14, by: "cs", reads: true, request: `{"executableBySet":{},"imagesSet":{"items":[{"imageId":"<ami>"}]},"ownersSet":{"items":[{"owner":"<account>"}]},"filterSet":{},"includeDeprecated":false,"includeDisabled":false}`},
		{source: "ec2", name: "DescribeSubnets", weight: 24, by: "hcs", reads: true, request: `{"subnetSet":{"items":[{"subnetId":"<subnet>"}]},"filterSet":{}}`},
		{source: "ec2", name: "DescribeNetworkInterfaces", weight: 24, by: "hs", reads: true, request: `{"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"private-ip-address","valueSet":{"items":[{"value":"<private>"}]}}]}}`},
		{source: "ec2", name: "DescribeLaunchTemplateVersions", weight: 10, by: "cs", reads: true, request: `{"DescribeLaunchTemplateVersionsRequest":{"LaunchTemplateId":"<template>","LaunchTemplateVersion":{"tag":1,"content":"$Latest"}}}`},
		{source: "ec2", name: "DescribeInstanceAttribute", weight: 10, by: "sc", reads: true, request: `{"instanceId":"<instance>","attribute":"disableApiTermination"}`},
	}
}

// computeWrites are EC2's and Auto Scaling's changing calls. Launches have no bodies
// here: see launch.go.
func computeWrites() []call {
	const ok = `{"requestId":"<request>","_return":true}`
	states := func(current, previous string) string {
		return `{"requestId":"<request>","instancesSet":{"items":[{"instanceId":"<instance>","currentState":` + current + `,"previousState":` + previous + `}]}}`
	}
	const running, stopped = `{"code":16,"name":"running"}`, `{"code":80,"name":"stopped"}`
	one := `"instancesSet":{"items":[{"instanceId":"<instance>"}]}`
	wrong := failure{permille: 50, code: "Client.IncorrectInstanceState", message: "The instance '<instance>' is not in a state from which it can be started."}
	return []call{
		{source: "ec2", name: "RunInstances", weight: 7, by: "sucv", service: "autoscaling", launch: true, failures: launchFailures()},
		{source: "ec2", name: "CreateFleet", weight: 2, by: "c", request: fleetRequest, response: `{"CreateFleetResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"<request>","fleetId":"<fleet>","errorSet":"","fleetInstanceSet":""}}`},
		{source: "ec2", name: "StartInstances", weight: 6, by: "suk", request: `{` + one + `}`, response: states(`{"code":0,"name":"pending"}`, stopped), failures: []failure{wrong}},
		{source: "ec2", name: "StopInstances", weight: 6, by: "suk", request: `{` + one + `,"force":false}`, response: states(`{"code":64,"name":"stopping"}`, running)},
		{source: "ec2", name: "RebootInstances", weight: 2, by: "su", request: `{` + one + `}`, response: ok},
		{source: "ec2", name: "TerminateInstances", weight: 6, by: "sucv", service: "autoscaling", request: `{` + one + `}`, response: states(`{"code":32,"name":"shutting-down"}`, running)},
		{source: "ec2", name: "CreateTags", weight: 12, by: "cch", response: ok,
			request: `{"resourcesSet":{"items":[{"resourceId":"<instance>"},{"resourceId":"<volume>"}]},"tagSet":{"items":[{"key":"team","value":"payments"},{"key":"Name","value":"<stack>"}]}}`},
		{source: "ec2", name: "AuthorizeSecurityGroupIngress", weight: 4, by: "csu",
			request:  `{"groupId":"<sg>","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"toPort":443,"groups":{},"ipRanges":{"items":[{"cidrIp":"10.0.0.0/8","description":"inside"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}`,
			response: `{"requestId":"<request>","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"<account>","groupId":"<sg>","securityGroupRuleId":"sgr-0<hex 16>","description":"inside","isEgress":false,"ipProtocol":"tcp","fromPort":443,"toPort":443,"cidrIpv4":"10.0.0.0/8"}]}}`,
			failures: []failure{{permille: 90, code: "Client.InvalidPermission.Duplicate", message: `the specified rule \"peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW\" already exists`}}},
		{source: "ec2", name: "CreateVolume", weight: 3, by: "hs", request: `{"size":"100","zone":"<zone>","volumeType":"gp3","encrypted":true,"iops":3000,"throughput":125,"clientToken":"<token>"}`,
			response: `{"requestId":"<request>","volumeId":"<volume>","size":"100","zone":"<zone>","status":"creating","createTime":<millis>,"volumeType":"gp3","iops":3000,"encrypted":true,"masterEncryptionKeyId":"` + keyARN + `","tagSet":{},"multiAttachEnabled":false,"throughput":125}`},
		{source: "ec2", name: "AttachVolume", weight: 3, by: "hs", request: `{"volumeId":"<volume>","instanceId":"<instance>","device":"/dev/xvdba","deleteOnTermination":false}`,
			response: `{"requestId":"<request>","volumeId":"<volume>","instanceId":"<instance>","device":"/dev/xvdba","status":"attaching","attachTime":<millis>,"deleteOnTermination":false}`},
		{source: "ec2", name: "CreateSnapshot", weight: 4, by: "vs", service: "backup", request: `{"volumeId":"<volume>","description":"nightly","tagSpecificationSet":{"items":[{"resourceType":"snapshot","tags":[{"key":"aws:backup:source-resource","value":"<volume>"}]}]}}`,
			response: `{"requestId":"<request>","snapshotId":"<snapshot>","volumeId":"<volume>","status":"pending","startTime":<millis>,"progress":"","ownerId":"<account>","volumeSize":"100","description":"nightly","encrypted":true,"tagSet":{"items":[{"key":"aws:backup:source-resource","value":"<volume>"}]}}`},
		{source: "ec2", name: "ModifyInstanceAttribute", weight: 3, by: "s", request: `{"instanceId":"<instance>","instanceType":{"value":"<type>"}}`, response: ok},
		{source: "ec2", name: "CreateLaunchTemplateVersion", weight: 3, by: "c",
			request:  `{"CreateLaunchTemplateVersionRequest":{"LaunchTemplateId":"<template>","SourceVersion":"$Latest","VersionDescription":"<hex 8>","LaunchTemplateData":{"ImageId":"<ami>","InstanceType":"<type>","UserData":"<removed>"},"ClientToken":"<token>"}}`,
			response: `{"CreateLaunchTemplateVersionResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"<request>","launchTemplateVersion":{"launchTemplateId":"<template>","launchTemplateName":"<stack>","versionNumber":<digits 2>,"versionDescription":"<hex 8>","createTime":"<time>","createdBy":"<caller>","defaultVersion":false,"launchTemplateData":{"imageId":"<ami>","instanceType":"<type>"}}}}`},
		{source: "autoscaling", name: "SetDesiredCapacity", weight: 6, by: "hc", request: `{"autoScalingGroupName":"<group>","desiredCapacity":<number 20>,"honorCooldown":false}`},
		{source: "autoscaling", name: "UpdateAutoScalingGroup", weight: 4, by: "c", request: `{"autoScalingGroupName":"<group>","minSize":<number 3>,"maxSize":<digits 2>,"launchTemplate":{"launchTemplateId":"<template>","version":"$Latest"},"vPCZoneIdentifier":"<subnet>"}`},
		{source: "autoscaling", name: "DescribeAutoScalingGroups", weight: 20, by: "hcs", reads: true, request: `{"autoScalingGroupNames":["<group>"],"maxRecords":100}`},
	}
}

// fleetRequest is CreateFleet's: everything under one name (facts/cloudtrail.md 2.4, 4).
const fleetRequest = `{"CreateFleetRequest":{"Type":"instant","LaunchTemplateConfigs":{"tag":1,"LaunchTemplateSpecification":{"LaunchTemplateId":"<template>","Version":"$Latest"},` +
	`"Overrides":[{"tag":1,"InstanceType":"<type>","SubnetId":"<subnet>"},{"tag":2,"InstanceType":"c6i.large","SubnetId":"<subnet>"}]},` +
	`"TargetCapacitySpecification":{"TotalTargetCapacity":2,"OnDemandTargetCapacity":2,"SpotTargetCapacity":0,"DefaultTargetCapacityType":"on-demand"},"ClientToken":"<token>"}}`
