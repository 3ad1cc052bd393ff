package cloudtrail

import (
	"bytes"

	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// launch is what a record says of a launch of instances.
type launch struct {
	instanceType                 uint32 // nodes, 0 where the record does not say
	cores, threads               uint32
	templateID, templateName     uint32
	templateVersion              uint32
	enclaves                     uint32
	responseTemplate, resolution uint32 // of the tags of the response
	launched                     struct{ instanceType, cores, threads, enclaves uint32 }
}

// launchOrigin says who launches: an Auto Scaling group, a fleet, another service, or
// the caller. A mixed-instances group launches through a fleet and is still a group's
// (facts/cloudtrail.md 2.4.1).
func launchOrigin(eventName, invokedBy, userAgent, arn, clientToken []byte) string {
	if len(invokedBy) == 0 && bytes.HasSuffix(userAgent, []byte(".amazonaws.com")) {
		invokedBy = userAgent
	}
	switch {
	case string(invokedBy) == "autoscaling.amazonaws.com" || bytes.Contains(arn, []byte("/AWSServiceRoleForAutoScaling")):
		return "autoscaling"
	case string(eventName) == "CreateFleet" || bytes.HasPrefix(clientToken, []byte("fleet-")),
		string(invokedBy) == "ec2fleet.amazonaws.com" || string(invokedBy) == "spotfleet.amazonaws.com":
		return "fleet"
	case bytes.HasSuffix(invokedBy, []byte(".amazonaws.com")):
		return "service"
	}
	return "user"
}

// isLaunch reports whether an operation of EC2 launches instances.
func isLaunch(source, name []byte) bool {
	return string(source) == "ec2.amazonaws.com" && (string(name) == "RunInstances" || string(name) == "CreateFleet")
}

// readLaunch reads the request and the response, 0 where they are null, of RunInstances
// or CreateFleet.
func (r *row) readLaunch(request, response uint32) launch {
	var l launch
	if request != 0 {
		r.readRequest(request, &l)
	}
	if response != 0 {
		if items, ok := r.find(response, "instancesSet", "items"); ok {
			r.eachItem(items, func(item uint32) { r.readInstance(item, &l) })
		}
		if items, ok := r.find(response, "CreateFleetResponse", "fleetInstanceSet", "item"); ok {
			r.eachItem(items, func(item uint32) { r.readFleetItem(item, &l) })
		}
	}
	return l
}

// eachItem calls fn for the elements of a list. XML that became JSON is an object where
// there is one element and an array where there are more (facts/cloudtrail.md 2.4.4).
func (r *row) eachItem(at uint32, fn func(item uint32)) {
	switch r.nodes[at].Kind {
	case tape.Object:
		fn(at)
	case tape.Array:
		for i := at + 1; i < r.nodes[at].Next; i = r.nodes[i].Next {
			fn(i)
		}
	}
}

// readRequest reads what was asked for.
func (r *row) readRequest(request uint32, l *launch) {
	l.instanceType, _ = r.member(request, "instanceType")
	if options, ok := r.member(request, "cpuOptions"); ok {
		l.cores, l.threads = r.readOptions(options)
	}
	l.enclaves = r.enclaveOption(request)
	template, ok := r.member(request, "launchTemplate")
	if fleet, is := r.member(request, "CreateFleetRequest"); is && !ok {
		template, ok = r.fleetTemplate(fleet)
	}
	if ok {
		l.templateID = r.either(template, "launchTemplateId", "LaunchTemplateId")
		l.templateName = r.either(template, "launchTemplateName", "LaunchTemplateName")
		l.templateVersion = r.either(template, "version", "Version")
	}
}

// fleetTemplate returns the first launch template of a fleet. XML that became JSON is
// an object where there is one configuration and an array where there are more.
func (r *row) fleetTemplate(fleet uint32) (uint32, bool) {
	configs, ok := r.member(fleet, "LaunchTemplateConfigs")
	if ok && r.nodes[configs].Kind == tape.Array && configs+1 < r.nodes[configs].Next {
		configs++
	}
	if !ok {
		return 0, false
	}
	return r.member(configs, "LaunchTemplateSpecification")
}

func (r *row) readOptions(at uint32) (cores, threads uint32) {
	cores, _ = r.member(at, "coreCount")
	threads, _ = r.member(at, "threadsPerCore")
	return cores, threads
}

// enclaveOption returns what a request or an instance says of enclaves.
func (r *row) enclaveOption(at uint32) uint32 {
	options := r.either(at, "enclaveOptions", "EnclaveOptions")
	if options == 0 {
		return 0
	}
	return r.either(options, "enabled", "Enabled")
}

// readInstance reads what was launched: the first instance of the response that says
// it. All instances of a call have the same options.
func (r *row) readInstance(at uint32, l *launch) {
	if l.launched.instanceType == 0 {
		l.launched.instanceType, _ = r.member(at, "instanceType")
	}
	if options, ok := r.member(at, "cpuOptions"); ok && l.launched.cores == 0 && l.launched.threads == 0 {
		l.launched.cores, l.launched.threads = r.readOptions(options)
	}
	if l.launched.enclaves == 0 {
		l.launched.enclaves = r.enclaveOption(at)
	}
	r.readTags(at, l)
}

// readFleetItem reads what a fleet launched at once.
func (r *row) readFleetItem(at uint32, l *launch) {
	if l.launched.instanceType == 0 {
		l.launched.instanceType, _ = r.member(at, "instanceType")
	}
}

// readTags reads the launch template that EC2 resolved, from the tags of an instance.
func (r *row) readTags(at uint32, l *launch) {
	tags, ok := r.find(at, "tagSet", "items")
	if !ok || r.nodes[tags].Kind != tape.Array {
		return
	}
	for i := tags + 1; i < r.nodes[tags].Next; i = r.nodes[i].Next {
		key, _ := r.member(i, "key")
		value, ok := r.member(i, "value")
		if key == 0 || !ok || l.responseTemplate != 0 && l.resolution != 0 {
			continue
		}
		switch string(r.b[r.nodes[key].From:r.nodes[key].To]) {
		case "aws:ec2launchtemplate:id":
			l.responseTemplate = value
		case "aws:ec2launchtemplate:version":
			l.resolution = value
		}
	}
}

// either returns the member with one of two names, 0 where there is none.
func (r *row) either(at uint32, a, b string) uint32 {
	if i, ok := r.member(at, a); ok {
		return i
	}
	i, _ := r.member(at, b)
	return i
}
