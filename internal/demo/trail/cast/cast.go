// Package cast has the names that the demo's trail gives to people, programs and
// addresses. All are invented, or reserved for documentation.
package cast

import "strconv"

// People are those who may log in, busiest first.
func People() []string {
	return []string{
		"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "karl", "laura", "mallory", "niaj", "olivia",
		"peggy", "quentin", "rupert", "sybil", "trent", "ursula", "victor", "wendy", "xavier", "yvonne", "zoe", "juergen", "soeren",
	}
}

// Tools are the user agents of command lines and build tools, escaped for JSON.
func Tools() []string {
	return []string{
		`APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.76.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.5`,
		`aws-cli/2.17.44 md/awscrt#0.21.2 ua/2.0 os/linux#6.1.109-118.189.amzn2023.x86_64 md/arch#x86_64 lang/python#3.11.9 cfg/retry-mode#standard md/prompt#off`,
		`Boto3/1.35.66 md/Botocore#1.35.66 ua/2.0 os/linux#5.10.226-214.880.amzn2.x86_64 md/arch#x86_64 lang/python#3.12.7 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.35.66`,
		`aws-cli/1.29.85 Python/3.9.20 Linux/6.1.112-122.189.amzn2023.x86_64 botocore/1.31.85`,
	}
}

// Consoles are those of browsers.
func Consoles() []string {
	return []string{
		`Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36`,
		`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15`,
		`[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10.225-191.878.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.422-b05 java/1.8.0_422 vendor/N/A cfg/retry-mode/standard]`,
		`AWS Internal`,
	}
}

// Programs are those of programs on instances.
func Programs() []string {
	return []string{
		`aws-sdk-go-v2/1.30.3 ua/2.0 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#arm64 api/s3#1.58.2 m/E,b`,
		`aws-sdk-java/2.28.11 md/io#sync md/http#Apache ua/2.0 os/Linux#6.1.109 lang/java#21.0.4 md/OpenJDK_64-Bit_Server_VM#21.0.4+7-LTS md/vendor#Amazon.com_Inc. exec-env/AWS_ECS_FARGATE cfg/retry-mode#standard`,
		`aws-sdk-js/3.682.0 ua/2.1 os/linux#5.10.227 lang/js md/nodejs#20.18.0 api/dynamodb#3.682.0 exec-env/AWS_ECS_EC2 m/D,E`,
		`aws-sdk-rust/1.3.3 ua/2.1 api/kms/1.45.0 os/linux lang/rust/1.81.0`,
		`aws-sdk-go/1.55.5 (go1.22.7; linux; amd64) amazon-ssm-agent/3.3.987.0`,
		`aws-nitro-enclaves-sdk-c/0.4.2 kmstool \"enclave\"`,
	}
}

// Functions are those of Lambda functions.
func Functions() []string {
	return []string{
		`Boto3/1.35.41 md/Botocore#1.35.41 ua/2.0 os/linux#5.10.227-239.884.amzn2.x86_64 md/arch#aarch64 lang/python#3.12.7 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 cfg/retry-mode#legacy`,
		`aws-sdk-js/3.632.0 ua/2.0 os/linux#5.10.225 lang/js md/nodejs#20.18.0 md/crt-avail api/sqs#3.632.0 exec-env/AWS_Lambda_nodejs20.x`,
	}
}

// Addresses are the public ones of the organisation.
func Addresses() []string {
	var out []string
	for _, network := range [...]string{"192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:7:"} {
		for host := range 97 {
			text := network + strconv.Itoa(host+10)
			if network[0] == '2' && network[4] == ':' {
				text = network + ":" + strconv.Itoa(host+10)
			}
			out = append(out, text)
		}
	}
	return out
}
