package trail

import "strings"

// call is an operation of the catalogue: how often it is called, by whom, and with
// what bodies. Texts are templates.
type call struct {
	source, name string
	weight       int
	// by are the classes that call it, a letter for each; one that is there twice calls
	// twice as often.
	by string
	// service is what calls where by has a v.
	service string
	reads   bool
	data    bool
	global  bool // recorded in globalRegion only
	launch  bool // RunInstances: see launch.go
	signin  bool // ConsoleLogin
	bare    bool

	request, response, extra, resource string
	failures                           []failure
}

// operation is a call, ready to be written.
type operation struct {
	call
	frame    frame
	classes  []class
	denied   failure
	succeeds bool // always
}

// prepare compiles a call.
func prepare(c call) *operation {
	o := &operation{call: c, frame: frame{
		source: c.source, name: c.name, reads: c.reads, data: c.data, tls: true, bare: c.bare,
		endpoint: strings.Contains("s3 kms ssm secretsmanager dynamodb sqs", c.source),
		request:  optional(c.request), response: optional(c.response), extra: optional(c.extra), resource: optional(c.resource),
	}}
	if c.signin {
		o.frame.kind = "AwsConsoleSignIn"
	}
	for _, letter := range []byte(c.by) {
		o.classes = append(o.classes, class(strings.IndexByte(classLetters, letter)))
	}
	for i := range o.failures {
		o.failures[i].text, o.failures[i].reply = optional(o.failures[i].message), optional(o.failures[i].response)
	}
	o.denied = refusal(c)
	return o
}

// names reports whether records of the operation name the register also where the call
// fails and there is no response.
func (o *operation) names(r register) bool {
	for _, t := range []template{o.frame.request, o.frame.resource} {
		for _, p := range t {
			if p.op == opRegister && register(p.n) == r {
				return true
			}
		}
	}
	return false
}

func optional(text string) template {
	if text == "" {
		return nil
	}
	return compile(text)
}

// refusal is the error of somebody who may not make the call.
func refusal(c call) failure {
	why := "User: <caller> is not authorized to perform: " + c.source + ":" + strings.TrimRight(c.name, "0123456789v") +
		" on resource: arn:aws:" + c.source + ":<region>:<account>:* because no identity-based policy allows the " + c.source + ":" + c.name + " action"
	if c.source == "ec2" {
		return failure{code: "Client.UnauthorizedOperation", text: compile("You are not authorized to perform this operation. " + why +
			". Encoded authorization failure message: <base64 480>")}
	}
	if c.source == "s3" {
		return failure{code: "AccessDenied", text: compile("Access Denied")}
	}
	return failure{code: "AccessDenied", text: compile(why)}
}

// refusedPermille is how many calls in a thousand a person or a pipeline may not make.
const refusedPermille = 22

// pickFailure returns the error of a call, mostly none.
func (w *writer) pickFailure(o *operation) *failure {
	if o.succeeds {
		return nil
	}
	draw := w.below(1000)
	for i := range o.failures {
		if draw -= o.failures[i].permille; draw < 0 {
			return &o.failures[i]
		}
	}
	switch w.caller.class {
	case classUser, classPerson, classPipeline, classConsole, classForeign:
		if draw < refusedPermille && !o.signin {
			return &o.denied
		}
	}
	return nil
}

// pickCaller returns who makes a call.
func (w *writer) pickCaller(o *operation) *caller {
	k := o.classes[w.below(len(o.classes))]
	if k == classService {
		return w.org.serviceCaller(w.cell, o.service+".amazonaws.com")
	}
	list := w.cell.callers[k]
	return list[w.ranks.pick(w.chance)*len(list)/poolSize]
}

// minors are the versions of the record format, by how often they are seen.
func minors() wheel { return newWheel([]int{0, 0, 0, 0, 0, 2, 1, 2, 20, 25, 20, 30}) }

func versionText(minor int) string {
	return [...]string{"1.00", "1.01", "1.02", "1.03", "1.04", "1.05", "1.06", "1.07", "1.08", "1.09", "1.10", "1.11"}[minor]
}

// call writes an event of an operation: by the caller where there is one, in a version
// where it is not zero. It returns the error that it ended with.
func (w *writer) call(o *operation, by *caller, minor int) *failure {
	if by == nil {
		by = w.pickCaller(o)
	}
	w.caller = by
	if minor == 0 {
		minor = w.minors.pick(w.chance)
	}
	if o.launch {
		return w.launchAnything(o, minor)
	}
	f := o.frame
	f.minor, f.version = minor, versionText(minor)
	f.failure = w.pickFailure(o)
	w.record(&f)
	return f.failure
}
