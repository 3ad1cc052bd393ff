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
		if items, ok := r.find(response, "instancesSet", "items"); ok && items+1 < r.nodes[items].Next {
			r.readInstance(items+1, &l)
		}
	}
	return l
}

// readRequest reads what was asked for.
func (r *row) readRequest(request uint32, l *launch) {
	l.instanceType, _ = r.member(request, "instanceType")
	if options, ok := r.member(request, "cpuOptions"); ok {
		r.readOptions(options, l)
	}
	l.enclaves, _ = r.find(request, "enclaveOptions", "enabled")
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

func (r *row) readOptions(at uint32, l *launch) {
	if cores, ok := r.member(at, "coreCount"); ok {
		l.cores = cores
	}
	if threads, ok := r.member(at, "threadsPerCore"); ok {
		l.threads = threads
	}
}

// readInstance reads what was launched: the first instance of the response, whose
// options all the others have.
func (r *row) readInstance(at uint32, l *launch) {
	if t, ok := r.member(at, "instanceType"); ok {
		l.instanceType = t
	}
	if options, ok := r.member(at, "cpuOptions"); ok {
		r.readOptions(options, l)
	}
	if enabled, ok := r.find(at, "enclaveOptions", "enabled"); ok {
		l.enclaves = enabled
	}
	tags, ok := r.find(at, "tagSet", "items")
	if !ok || r.nodes[tags].Kind != tape.Array {
		return
	}
	for i := tags + 1; i < r.nodes[tags].Next; i = r.nodes[i].Next {
		key, _ := r.member(i, "key")
		value, ok := r.member(i, "value")
		if key == 0 || !ok {
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
