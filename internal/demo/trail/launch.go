package trail

import (
	"fmt"
	"strings"
)

// The origins of launches.
const (
	OriginUser        = "user"
	OriginAutoScaling = "autoscaling"
	OriginFleet       = "fleet"
)

// launch is one RunInstances.
type launch struct {
	origin    string
	instances []string
	machine   machine
	enclave   bool
	// template is the launch template, none where its id is empty.
	template launchTemplate
	// byName says that the request names the template and does not give its id.
	byName bool
	group  string // Auto Scaling group
	fleet  string // EC2 Fleet that the launch goes through
}

// launchTemplate is a launch template in a version: asked is what a request says,
// resolved what it stood for.
type launchTemplate struct{ id, name, asked, resolved string }

// machine is an instance type.
type machine struct {
	name           string
	cores, threads int
	arch           string
}

func machines() []machine {
	return []machine{
		{"m5.xlarge", 2, 2, "x86_64"}, {"m5.2xlarge", 4, 2, "x86_64"}, {"c5.2xlarge", 4, 2, "x86_64"}, {"c6i.4xlarge", 8, 2, "x86_64"},
		{"r5.2xlarge", 4, 2, "x86_64"}, {"m6g.2xlarge", 8, 1, "arm64"}, {"m6i.xlarge", 2, 2, "x86_64"}, {"c7g.xlarge", 4, 1, "arm64"}, {"m5.4xlarge", 8, 2, "x86_64"},
	}
}

// machineNamed returns the type of that name, invented where it is not known.
func machineNamed(name string) machine {
	for _, m := range machines() {
		if m.name == name {
			return m
		}
	}
	return machine{name, 2, 2, "x86_64"}
}

// request returns requestParameters. What a service asks for says less
// (facts/cloudtrail.md 2.4, 1).
func (l *launch) request() string {
	var b strings.Builder
	n := len(l.instances)
	template := ""
	if t := l.template; t.id != "" {
		template = fmt.Sprintf(`"launchTemplate":{"launchTemplateId":%q,"version":%q},`, t.id, t.asked)
		if l.byName {
			template = fmt.Sprintf(`"launchTemplate":{"launchTemplateName":%q,"version":%q},`, t.name, t.asked)
		}
	}
	if l.origin == OriginUser {
		fmt.Fprintf(&b, `{%s"instancesSet":{"items":[{"imageId":"<ami>","minCount":1,"maxCount":%d,"keyName":"ops"}]},"groupSet":{"items":[{"groupId":"<sg>"}]},`, template, n)
		fmt.Fprintf(&b, `"userData":"<removed>","instanceType":%q,"blockDeviceMapping":{"items":[{"deviceName":"/dev/xvda","ebs":{"volumeSize":100,"deleteOnTermination":true,"volumeType":"gp3","encrypted":true}}]},`, l.machine.name)
		b.WriteString(`"monitoring":{"enabled":false},"subnetId":"<subnet>","disableApiTermination":false,"disableApiStop":false,"clientToken":"<token>","ebsOptimized":true,"iamInstanceProfile":{"name":"<role>"}`)
		if l.enclave && l.template.id == "" {
			b.WriteString(`,"enclaveOptions":{"enabled":true}`)
		}
		b.WriteString(`,"tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"Name","value":"<stack>"}]}]}}`)
		return b.String()
	}
	token, tag := "<token>", "aws:autoscaling:groupName"
	if l.fleet != "" {
		token = l.fleet + "-0"
	}
	value := l.group
	if l.origin == OriginFleet {
		tag, value = "aws:ec2:fleet-id", l.fleet
	}
	fmt.Fprintf(&b, `{%s"instancesSet":{"items":[{"minCount":%d,"maxCount":%d}]},"instanceType":%q,"blockDeviceMapping":{},"availabilityZone":"<zone>",`, template, n, n, l.machine.name)
	fmt.Fprintf(&b, `"monitoring":{"enabled":false},"subnetId":"<subnet>","disableApiTermination":false,"disableApiStop":false,"clientToken":"%s",`, token)
	fmt.Fprintf(&b, `"tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":%q,"value":%q}]}]}}`, tag, value)
	return b.String()
}

// tags are those of the launched instances; with a template they name the resolved one.
func (l *launch) tags() string {
	var tags []string
	add := func(key, value string) {
		if value != "" {
			tags = append(tags, fmt.Sprintf(`{"key":%q,"value":%q}`, key, value))
		}
	}
	if l.origin == OriginUser {
		add("Name", "<stack>")
	}
	if l.template.id != "" {
		add("aws:ec2launchtemplate:id", l.template.id)
		add("aws:ec2launchtemplate:version", l.template.resolved)
	}
	add("aws:autoscaling:groupName", l.group)
	add("aws:ec2:fleet-id", l.fleet)
	if tags == nil {
		return `{}`
	}
	return `{"items":[` + strings.Join(tags, ",") + `]}`
}

// response returns responseElements: one item for each instance
// (facts/cloudtrail.md 2.4, 3).
func (l *launch) response() string {
	var b strings.Builder
	b.WriteString(`{"requestId":"<request>","reservationId":"r-0<hex 16>","ownerId":"<account>","groupSet":{},"instancesSet":{"items":[`)
	tags := l.tags()
	for i, id := range l.instances {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"instanceId":%q,"imageId":"<ami>","instanceState":{"code":0,"name":"pending"},"privateDnsName":"ip-<hex 8>.ec2.internal","keyName":"ops","amiLaunchIndex":%d,`, id, i)
		fmt.Fprintf(&b, `"productCodes":{},"instanceType":%q,"launchTime":<millis>,"placement":{"availabilityZone":"<zone>","tenancy":"default"},"monitoring":{"state":"disabled"},`, l.machine.name)
		b.WriteString(`"subnetId":"<subnet>","vpcId":"<vpc>","privateIpAddress":"<private>","stateReason":{"code":"pending","message":"pending"},`)
		fmt.Fprintf(&b, `"architecture":%q,"rootDeviceType":"ebs","rootDeviceName":"/dev/xvda","blockDeviceMapping":{},"virtualizationType":"hvm","hypervisor":"xen","tagSet":%s,`, l.machine.arch, tags)
		b.WriteString(`"clientToken":"<token>","groupSet":{"items":[{"groupId":"<sg>","groupName":"<stack>"}]},"sourceDestCheck":true,"networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-0<hex 16>","subnetId":"<subnet>","vpcId":"<vpc>",` +
			`"ownerId":"<account>","status":"in-use","macAddress":"0a:<hex 2>:<hex 2>:<hex 2>:<hex 2>:<hex 2>","privateIpAddressesSet":{"item":[{"privateIpAddress":"<private>","primary":true}]},"ipv6AddressesSet":{},"tagSet":{}}]},`)
		fmt.Fprintf(&b, `"iamInstanceProfile":{"arn":"arn:aws:iam::<account>:instance-profile/<role>","id":"AIPA<upper 17>"},"ebsOptimized":true,"enaSupport":true,"cpuOptions":{"coreCount":%d,"threadsPerCore":%d},`, l.machine.cores, l.machine.threads)
		fmt.Fprintf(&b, `"capacityReservationSpecification":{"capacityReservationPreference":"open"},"hibernationOptions":{"configured":false},"enclaveOptions":{"enabled":%t},`, l.enclave)
		b.WriteString(`"metadataOptions":{"state":"pending","httpTokens":"required","httpPutResponseHopLimit":2,"httpEndpoint":"enabled","instanceMetadataTags":"disabled"},"maintenanceOptions":{"autoRecovery":"default"}}`)
	}
	b.WriteString(`]}}`)
	return b.String()
}

// resources are filled in newer records of scaling only (facts/cloudtrail.md 2.4, 1).
func (l *launch) resources() string {
	var list []string
	for _, id := range l.instances {
		list = append(list, fmt.Sprintf(`{"accountId":"<account>","type":"AWS::EC2::Instance","ARN":"arn:aws:ec2:<region>:<account>:instance/%s"}`, id))
	}
	return strings.Join(list, ",")
}

// run writes a launch by the caller that is set.
func (w *writer) run(l *launch, minor int, f *failure) {
	frame := frame{source: "ec2", name: "RunInstances", minor: minor, version: versionText(minor), tls: true, failure: f, request: compile(l.request())}
	if f == nil {
		frame.response = compile(l.response())
		if minor >= 11 && l.origin != OriginUser {
			frame.resource = compile(l.resources())
		}
	}
	w.record(&frame)
}

// launchAnything writes a launch of the noise, without enclaves, by whoever is set.
func (w *writer) launchAnything(o *operation, minor int) *failure {
	l := &launch{origin: OriginUser, machine: machines()[w.below(len(machines()))]}
	most := 3
	if w.caller.class == classService {
		w.caller = w.cell.scaling
		l.origin, l.group, most = OriginAutoScaling, w.entity(regGroup), 5
	}
	for range 1 + w.below(most) {
		l.instances = append(l.instances, w.drawEntity(regFresh))
	}
	if l.group != "" || w.below(3) > 0 {
		version := fmt.Sprint(1 + w.below(30))
		l.template = launchTemplate{id: w.entity(regTemplate), name: w.entity(regStack), asked: version, resolved: version}
		if l.byName = l.origin == OriginUser && w.below(3) == 0; l.byName {
			l.template.asked = "$Default"
		}
	}
	f := w.pickFailure(o)
	w.run(l, minor, f)
	return f
}

// launchFailures are why EC2 launches nothing.
func launchFailures() []failure {
	return []failure{
		{permille: 30, code: "Client.VcpuLimitExceeded", message: "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to."},
		{permille: 20, code: "Server.InsufficientInstanceCapacity", message: "We currently do not have sufficient capacity in the Availability Zone you requested (<zone>)."},
		{permille: 10, code: "Client.DryRunOperation", message: "Request would have succeeded, but DryRun flag is set."},
	}
}
