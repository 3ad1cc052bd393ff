package attested

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// EndColumns are the columns that AppendEnds reads.
func (e *Events) EndColumns() []string {
	return []string{
		"event_key", "eventid", "eventtime", "eventsource", "eventname", "eventtype", "errorcode", "errormessage", "principal",
		"account_id", "awsregion", "requestparameters", "responseelements", "serviceeventdetails",
	}
}

// endsHosts reports whether an event of EC2 with the name can tell that an instance
// ended. A warning of an interruption is none: the instance runs on.
func endsHosts(name string) bool {
	return name == "StopInstances" || name == "TerminateInstances" || endsByService(name)
}

// Terminates reports whether an event of EC2 that ends hosts, by its name, is one after
// which they never come back.
func Terminates(name string) bool { return strings.Contains(strings.ToLower(name), "terminat") }

// endsByService reports whether the name is that of a service event about the state of
// instances: BidEvictedEvent of spot instances, and the notices of changes of state.
func endsByService(name string) bool {
	if strings.Contains(strings.ToLower(name), "warning") {
		return false
	}
	plain := strings.ToLower(strings.NewReplacer("-", "", " ", "", "_", "").Replace(name))
	for _, part := range []string{"bidevicted", "spotinstanceinterrupt", "spotinstanceterminat", "instancestatechange", "instanceterminated", "instancestopped"} {
		if strings.Contains(plain, part) {
			return true
		}
	}
	return false
}

// AppendEnds appends the ends of hosts that the events of src tell of to dst, a batch
// of HostEndTable.
func (e *Events) AppendEnds(src, dst *trailhouse.Batch) {
	for i := range src.Len() {
		e.appendEnds(src, i, dst)
	}
}

// appendEnds appends the ends of hosts that event i tells of.
func (e *Events) appendEnds(src *trailhouse.Batch, i int, dst *trailhouse.Batch) {
	ended := e.ended(src, i)
	if len(ended) == 0 {
		return
	}
	key, id, at := e.table.MustIndex("event_key"), e.table.MustIndex("eventid"), e.table.MustIndex("eventtime")
	account, region := e.table.MustIndex("account_id"), e.table.MustIndex("awsregion")
	for _, instance := range ended {
		dst.SetKey(0, endKey(src.Key(key, i), instance))
		dst.SetKey(1, src.Key(key, i))
		set(dst, 2, src.String(id, i))
		dst.SetInt(3, src.Int(at, i))
		dst.SetString(4, instance)
		dst.SetText(5, src.Text(e.name, i))
		set(dst, 6, src.String(e.principal, i))
		set(dst, 7, src.String(account, i))
		set(dst, 8, src.String(region, i))
		dst.EndRow()
	}
}

// endKey names the end of one instance.
func endKey(event trailhouse.Key, instance string) trailhouse.Key {
	sum := sha256.Sum256(append(event[:], instance...))
	return trailhouse.Key(sum[:16])
}

// ended returns the instances that an event stopped or terminated, each once. A call
// that failed, a dry run among them, did neither.
func (e *Events) ended(b *trailhouse.Batch, i int) []string {
	if string(b.Text(e.source, i)) != ec2 || !b.IsNull(e.code, i) || !b.IsNull(e.message, i) {
		return nil
	}
	switch name := b.String(e.name, i); {
	case name == "StopInstances" || name == "TerminateInstances":
		if ids := e.instances(b, e.response, i); len(ids) > 0 {
			return ids
		}
		return e.instances(b, e.request, i)
	case string(b.Text(e.typ, i)) == "AwsServiceEvent" && endsByService(name) && e.over(b, i):
		return e.instances(b, e.details, i)
	}
	return nil
}

// over reports whether the details of a service event name no state, or one in which
// no enclave runs.
func (e *Events) over(b *trailhouse.Batch, i int) bool {
	for _, key := range []string{"state", "instanceState", "instance-state", "newState"} {
		if text, ok := lookUp(b, e.details, i, key); ok {
			text = strings.ToLower(text)
			return slices.ContainsFunc([]string{"stop", "shutting-down", "terminated"}, func(s string) bool { return strings.Contains(text, s) })
		}
	}
	return true
}

// instances returns the instances that a column names in the shapes of EC2:
// instancesSet.items[].instanceId of calls, instanceIdSet and instanceId of service
// events.
func (e *Events) instances(b *trailhouse.Batch, col, i int) []string {
	var ids []string
	add := func(id string) {
		if isInstance(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if text, ok := lookUp(b, col, i, "instancesSet"); ok {
		var set struct {
			Items []struct {
				InstanceID string `json:"instanceId"`
			} `json:"items"`
		}
		if json.Unmarshal([]byte(text), &set) == nil {
			for _, item := range set.Items {
				add(item.InstanceID)
			}
		}
	}
	for _, key := range []string{"instanceIdSet", "instanceIds"} {
		if text, ok := lookUp(b, col, i, key); ok {
			var list []string
			if json.Unmarshal([]byte(text), &list) == nil {
				for _, id := range list {
					add(id)
				}
			}
		}
	}
	for _, key := range []string{"instanceId", "instance-id", "InstanceId"} {
		if text, ok := lookUp(b, col, i, key); ok {
			add(text)
		}
	}
	slices.Sort(ids)
	return ids
}
