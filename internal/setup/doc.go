// Package setup writes and checks what has to be in place around Trailhouse: the
// configuration of the CloudWatch agent on hosts with enclaves, the CloudFormation
// template of an unattended meter, and policies of IAM. It makes no request: what can
// only be known by asking AWS is for internal/doctor.
package setup
