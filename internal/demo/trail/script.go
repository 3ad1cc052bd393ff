package trail

import (
	"cmp"
	"fmt"
	"slices"
)

// item is an event of the script.
type item struct {
	at   int64
	cell *cell
	id   string // event id
	// write writes the record behind w.begin and returns the operation's name and the
	// error that it ended with.
	write func(w *writer) (string, *failure)
}

// script is what the truth lists one by one.
type script struct {
	chance
	o        Options
	org      *organisation
	ops      map[string]*operation // by source and name; of several the first
	items    []item
	launches []Launch
	touched  []Touched
	attested []Attested
	clients  []string // of the sessions, sorted
}

// newScript returns the script, in the order of time.
func newScript(o Options, org *organisation, ops []*operation) *script {
	s := &script{chance: newChance(o.Seed, streamScript), o: o, org: org, ops: map[string]*operation{}}
	for _, op := range ops {
		if s.ops[op.source+":"+op.name] == nil {
			s.ops[op.source+":"+op.name] = op
		}
	}
	s.launchHosts()
	others := s.launchOthers()
	hosts := s.hosts()
	s.attestSessions(hosts)
	s.attestOthers(others)
	s.afterTheEnd(hosts)
	s.notInTheLog(hosts)
	s.sharedKey(hosts)
	s.refused(hosts)
	s.touchAll()
	s.awkward()
	slices.SortStableFunc(s.items, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.at/day, b.at/day), cmp.Compare(a.cell.index, b.cell.index), cmp.Compare(a.at, b.at))
	})
	slices.SortFunc(s.launches, func(a, b Launch) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.EventID, b.EventID)) })
	slices.SortFunc(s.attested, func(a, b Attested) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.EventID, b.EventID)) })
	return s
}

// add plans an event and returns its id.
func (s *script) add(at int64, c *cell, write func(w *writer) (string, *failure)) string {
	id := s.uuidText()
	s.items = append(s.items, item{at: at, cell: c, id: id, write: write})
	return id
}

// sometime returns an instant at which people work, on one of the script's days.
func (s *script) sometime() int64 {
	days := int((s.o.To.Unix() - s.o.From.Unix()) / day)
	return s.o.From.Unix() + int64(s.below(days))*day + 7*hour + int64(s.below(int(12*hour)))
}

// launchHosts launches the hosts of the enclave logs on the day before, each in
// another way.
func (s *script) launchHosts() {
	for i, h := range s.o.Hosts {
		c := s.org.cell(h.Account, globalRegion)
		l := &launch{origin: OriginUser, enclave: true, machine: machineNamed(h.InstanceType), instances: []string{h.InstanceID}}
		l.template = s.newTemplate("enclave-hosts")
		switch i % 6 {
		case 1:
			l.origin, l.group = OriginAutoScaling, "enclave-hosts-asg"
		case 2:
			l.byName, l.template.asked = true, "$Latest"
		case 3:
			l.origin, l.fleet = OriginFleet, "fleet-"+s.uuidText()
		case 4:
			l.template = launchTemplate{}
		case 5: // a group of mixed instances goes through EC2 Fleet
			l.origin, l.group, l.fleet = OriginAutoScaling, "enclave-mixed-asg", "fleet-"+s.uuidText()
		}
		for range s.below(3) {
			l.instances = append(l.instances, string(s.hex([]byte("i-0"), 16)))
		}
		s.launch(s.o.From.Unix()-2*hour-int64(s.below(int(20*hour))), c, l)
	}
}

// otherLaunches is how many launches of enclave-enabled instances without logs there
// are.
const otherLaunches = 36

// machineAt is an instance and where it is.
type machineAt struct {
	id    string
	cell  *cell
	since int64
}

// launchOthers launches enclave-enabled instances of which no enclave log exists. It
// returns them.
func (s *script) launchOthers() []machineAt {
	var out []machineAt
	for i := range otherLaunches {
		c := s.org.cells[s.below(6*len(regions()))]
		l := &launch{origin: [...]string{OriginUser, OriginAutoScaling, OriginFleet}[i%3], enclave: true, machine: machines()[s.below(len(machines()))]}
		l.template = s.newTemplate("enclave-pool")
		switch {
		case l.origin == OriginAutoScaling:
			l.group = "enclave-pool-asg-" + decimal(i)
			if i%2 == 0 {
				l.template = launchTemplate{} // a group with a launch configuration
			}
		case l.origin == OriginFleet:
			l.fleet = "fleet-" + s.uuidText()
		case i%2 == 0:
			l.byName, l.template.asked = true, "$Default"
		case i%9 == 0:
			l.template = launchTemplate{}
		}
		for range 1 + s.below(5) {
			l.instances = append(l.instances, string(s.hex([]byte("i-0"), 16)))
		}
		at := s.sometime()
		s.launch(at, c, l)
		for _, id := range l.instances {
			out = append(out, machineAt{id, c, at})
		}
	}
	return out
}

func (s *script) newTemplate(name string) launchTemplate {
	version := fmt.Sprint(1 + s.below(40))
	return launchTemplate{id: string(s.hex([]byte("lt-0"), 16)), name: name, asked: version, resolved: version}
}

// launch plans a successful launch.
func (s *script) launch(at int64, c *cell, l *launch) {
	by := c.scaling
	switch l.origin {
	case OriginUser:
		by = c.callers[classPerson][s.below(4)]
	case OriginFleet:
		by = c.fleet
	}
	minor := []int{8, 11}[s.below(2)]
	id := s.add(at, c, func(w *writer) (string, *failure) {
		w.caller = by
		w.run(l, minor, nil)
		return "RunInstances", nil
	})
	if !l.enclave {
		return
	}
	told := Launch{
		EventID: id, Time: unix(at), Account: c.account, Region: c.region, InstanceIDs: l.instances, InstanceType: l.machine.name,
		Origin: l.origin, Principal: by.arn, TemplateID: l.template.id, TemplateVersion: l.template.resolved,
	}
	if l.byName {
		told.TemplateName = l.template.name
	}
	s.launches = append(s.launches, told)
}
