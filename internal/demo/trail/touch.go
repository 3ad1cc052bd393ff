package trail

import "slices"

// chosen is a resource whose history the truth tells: its value in a register, the
// text under which it is asked for, and what is done to it, in order.
type chosen struct {
	register register
	value    string
	resource string // as a template
	times    int
	calls    []string // source:name; the last one comes last
}

// chosenResources lists them. No noise names them.
func chosenResources() []chosen {
	return []chosen{
		{regBucket, "ledger-archive-prod", "ledger-archive-prod", 24, []string{"s3:GetObject", "s3:PutObject", "s3:ListObjects", "s3:PutBucketPolicy"}},
		{regBucket, "risk-models-prod", "arn:aws:s3:::risk-models-prod", 20, []string{"s3:GetObject", "s3:GetBucketAcl", "s3:PutBucketTagging"}},
		{regKey, "5f1c2d3e-4b5a-4678-89ab-0123456789ab", keyARN, 18, []string{"kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:DisableKey"}},
		{regRole, "break-glass-admin", "break-glass-admin", 9, []string{"iam:CreateRole", "iam:PutRolePolicy", "iam:GetRole", "iam:AttachRolePolicy", "iam:DeleteRole"}},
		{regRole, "auditor-readonly", "arn:aws:iam::<account>:role/auditor-readonly", 12, []string{"sts:AssumeRole"}},
		{regUser, "legacy.backup", "legacy.backup", 8, []string{"iam:CreateUser", "iam:CreateAccessKey", "iam:GetUser", "iam:ListAccessKeys", "iam:DeleteAccessKey"}},
		{regSecurityGroup, "sg-0123456789abcdef0", "sg-0123456789abcdef0", 7, []string{"ec2:DescribeSecurityGroups", "ec2:AuthorizeSecurityGroupIngress"}},
		{regInstance, "i-0fedcba9876543210", "i-0fedcba9876543210", 16, []string{"ec2:CreateTags", "ssm:SendCommand", "ec2:StopInstances", "ec2:StartInstances", "ssm:StartSession", "ec2:TerminateInstances"}},
		{regInstance, "i-00112233445566778", "i-00112233445566778", 9, []string{"ec2:DescribeInstances", "ec2:ModifyInstanceAttribute", "ec2:RebootInstances"}},
		{regVolume, "vol-00aa11bb22cc33dd4", "vol-00aa11bb22cc33dd4", 10, []string{"ec2:CreateVolume", "ec2:AttachVolume", "ec2:CreateSnapshot"}},
		{regImage, "ami-0badc0ffee0ddf00d", "ami-0badc0ffee0ddf00d", 6, []string{"ec2:DescribeImages", "ec2:CreateLaunchTemplateVersion"}},
		{regTemplate, "lt-0a1b2c3d4e5f60718", "lt-0a1b2c3d4e5f60718", 8, []string{"ec2:CreateLaunchTemplateVersion", "ec2:DescribeLaunchTemplateVersions", "autoscaling:UpdateAutoScalingGroup"}},
		{regSecret, "prod/ledger/signing-key-Zx81Qw", secretARN, 14, []string{"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"}},
		{regParameter, "/ledger/prod/db-url", "arn:aws:ssm:<region>:<account>:parameter/ledger/prod/db-url", 11, []string{"ssm:GetParameter"}},
		{regFunction, "ledger-close", lambdaARN, 12, []string{"lambda:Invoke"}},
		{regTable, "ledger-entries", tableARN, 15, []string{"dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DescribeTable"}},
		{regTopic, "ledger-alerts", "arn:aws:sns:<region>:<account>:ledger-alerts", 7, []string{"sns:Publish", "sns:Subscribe"}},
		{regQueue, "ledger-jobs", "arn:aws:sqs:<region>:<account>:ledger-jobs", 8, []string{"sqs:SendMessage"}},
		{regPolicy, "ledger-signers", "arn:aws:iam::<account>:policy/ledger-signers", 6, []string{"iam:GetPolicyVersion", "iam:CreatePolicyVersion", "iam:AttachRolePolicy"}},
		{regSnapshot, "snap-0f0e0d0c0b0a09080", "snap-0f0e0d0c0b0a09080", 5, []string{"ec2:CreateSnapshot"}},
	}
}

// touchAll plans what is done to the chosen resources, all in one account.
func (s *script) touchAll() {
	c := s.org.cell(accounts()[2].name, globalRegion)
	filler := &writer{chance: s.chance, cell: c}
	for _, r := range chosenResources() {
		filler.begin(c, 0, "")
		filler.out, filler.memo[r.register] = filler.out[:0], r.value
		filler.put(compile(r.resource))
		t := Touched{Resource: string(filler.out)}
		var when []int64
		for range r.times {
			when = append(when, s.sometime())
		}
		slices.Sort(when)
		when = slices.Compact(when)
		for i, at := range when {
			name := r.calls[i%len(r.calls)]
			if n := len(r.calls); i == len(when)-1 {
				name = r.calls[n-1]
			} else if i >= n {
				name = r.calls[i%max(1, n-1)]
			}
			t.Events = append(t.Events, s.touch(at, c, s.ops[name], r))
		}
		s.touched = append(s.touched, t)
	}
}

// touch plans one event about a chosen resource.
func (s *script) touch(at int64, c *cell, o *operation, r chosen) string {
	if !o.names(r.register) {
		sure := *o
		sure.succeeds, o = true, &sure
	}
	return s.add(at, c, func(w *writer) (string, *failure) {
		w.memo[r.register] = r.value
		return o.name, w.call(o, nil, 0)
	})
}
