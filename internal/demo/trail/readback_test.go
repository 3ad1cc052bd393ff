package trail

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTruth reads the trail back in the plainest way and counts again.
func TestTruth(t *testing.T) {
	seeds := []uint64{1, 2, 3}
	if testing.Short() {
		seeds = seeds[:1]
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			o := sampleOptions(seed)
			dir, want := generate(t, o)
			r := readBack(t, dir, want)
			got := *want
			got.Events, got.Duplicates, got.Files = r.events, r.duplicates, r.files
			got.Names, got.Errors, got.Failed, got.Users = r.names, r.errors, r.failed, r.users
			got.Days, got.Bytes, got.Inflated = nil, r.bytes, r.inflated
			got.KMSDays = r.kmsDays()
			for _, d := range want.Days {
				d.Events = r.days[dayOf{d.Table, d.Account, d.Region, d.Day}]
				delete(r.days, dayOf{d.Table, d.Account, d.Region, d.Day})
				got.Days = append(got.Days, d)
			}
			if len(r.days) > 0 {
				t.Errorf("days that the truth does not have: %v", r.days)
			}
			got.Launches = r.launches(t)
			got.Attested = r.attested(t, want)
			got.Touched = nil
			for _, touched := range want.Touched {
				ids := r.touching(touched.Resource)
				if !slices.Equal(ids, touched.Events) {
					t.Errorf("%s: read %v, the truth says %v", touched.Resource, ids, touched.Events)
				}
				got.Touched = append(got.Touched, Touched{touched.Resource, ids})
			}
			compareTruth(t, &got, want)
			r.checkSessions(t, o, want)
			r.checkVariety(t)
		})
	}
}

// compareTruth tells which field differs.
func compareTruth(t *testing.T, got, want *Truth) {
	t.Helper()
	a, b := reflect.ValueOf(*got), reflect.ValueOf(*want)
	for i := range a.NumField() {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); !reflect.DeepEqual(x, y) {
			t.Errorf("%s: read\n%+v\nthe truth says\n%+v", a.Type().Field(i).Name, x, y)
		}
	}
}

type dayOf struct{ table, account, region, day string }

type recordOf struct {
	raw   string
	value map[string]any
}

type readings struct {
	events, duplicates, files, names, errors, users map[string]int64
	days                                            map[dayOf]int64
	failed, bytes, inflated                         int64
	byID                                            map[string]recordOf // all tables
	objects                                         map[string]map[string]bool
	main                                            []recordOf // different ones of the table cloudtrail
	size                                            int64
	seen                                            map[string]int
}

var objectName = regexp.MustCompile(`^trail/AWSLogs/o-[a-z0-9]+/(\d{12})/(CloudTrail[A-Za-z-]*)/([a-z0-9-]+)/(\d{4})/(\d\d)/(\d\d)/(\d{12})_(CloudTrail[A-Za-z-]*)_([a-z0-9-]+)_(.+)\.json\.gz$`)
var objectSuffix = regexp.MustCompile(`^(\d{8}T\d{4}Z)_[0-9A-Za-z]{16}$`)

func readBack(t *testing.T, dir string, truth *Truth) *readings {
	t.Helper()
	r := &readings{
		events: map[string]int64{}, duplicates: map[string]int64{}, files: map[string]int64{}, names: map[string]int64{}, errors: map[string]int64{}, users: map[string]int64{},
		days: map[dayOf]int64{}, byID: map[string]recordOf{}, seen: map[string]int{},
	}
	late := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		r.bytes += info.Size()
		if name == "trail/LICENSE" {
			r.files[KindOther]++
			r.inflated += info.Size()
			return nil
		}
		r.object(t, name, path, info.ModTime())
		if slices.Contains(truth.Late, name) {
			late++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if late == 0 || late != len(truth.Late) {
		t.Errorf("%d of %d late objects", late, len(truth.Late))
	}
	return r
}

func (r *readings) object(t *testing.T, name, path string, delivered time.Time) {
	t.Helper()
	m := objectName.FindStringSubmatch(name)
	if m == nil {
		t.Fatalf("no name of an object: %s", name)
	}
	account, kind, region := m[1], m[2], m[3]
	if m[7] != account || m[8] != kind || m[9] != region {
		t.Errorf("folder and file disagree: %s", name)
	}
	r.files[kind]++
	text, err := io.ReadAll(inflate(t, path))
	if err != nil {
		t.Fatal(err)
	}
	r.inflated += int64(len(text))
	if !json.Valid(text) {
		t.Fatalf("%s is not JSON", name)
	}
	if kind == KindDigest {
		var digest struct {
			LogFiles []struct{ S3Object, HashValue string }
		}
		if err := json.Unmarshal(text, &digest); err != nil || len(digest.LogFiles) != 3 {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	if s := objectSuffix.FindStringSubmatch(m[10]); s == nil || s[1] != delivered.UTC().Format("20060102T1504Z") || s[1][:8] != m[4]+m[5]+m[6] {
		t.Errorf("%s was delivered %s", name, delivered.UTC())
	}
	for _, raw := range records(t, kind, text) {
		r.record(t, name, kind, region, raw, delivered)
	}
}

func records(t *testing.T, kind string, text []byte) []json.RawMessage {
	t.Helper()
	var list []json.RawMessage
	var whole struct{ Records []json.RawMessage }
	var err error
	if kind == KindAggregated {
		err = json.Unmarshal(text, &list)
	} else {
		err = json.Unmarshal(text, &whole)
		list = whole.Records
	}
	if err != nil || len(list) == 0 {
		t.Fatalf("%d records: %v", len(list), err)
	}
	return list
}

func (r *readings) record(t *testing.T, object, kind, region string, raw json.RawMessage, delivered time.Time) {
	t.Helper()
	decode := json.NewDecoder(bytes.NewReader(raw))
	decode.UseNumber()
	var v map[string]any
	if err := decode.Decode(&v); err != nil {
		t.Fatal(err)
	}
	id, account, at := text(v, "eventID"), text(v, "recipientAccountId"), text(v, "eventTime")
	if kind == KindAggregated {
		id, account, at = text(v, "eventId"), text(v, "accountId"), text(v, "timeWindow", "windowStart")
	}
	if first, ok := r.byID[id]; ok {
		if first.raw != string(raw) {
			t.Errorf("two records have the id %s", id)
		}
		if r.objects[id][object] {
			t.Errorf("%s holds %s twice", object, id)
		}
		r.objects[id][object] = true
		r.duplicates[tableOf(kind)]++
		return
	}
	when, err := time.Parse("2006-01-02T15:04:05Z", at)
	if err != nil || len(id) != 36 || account == "" || text(v, "awsRegion") != region || when.After(delivered) {
		t.Errorf("%s: %s of %s in %s, %v", object, id, at, account, err)
	}
	if r.objects == nil {
		r.objects = map[string]map[string]bool{}
	}
	r.objects[id] = map[string]bool{object: true}
	r.byID[id] = recordOf{string(raw), v}
	r.events[tableOf(kind)]++
	r.days[dayOf{tableOf(kind), account, region, at[:10]}]++
	if kind == KindEvents {
		r.count(v)
		r.main = append(r.main, recordOf{string(raw), v})
		r.size += int64(len(raw))
	}
}

// count counts an event of the table cloudtrail.
func (r *readings) count(v map[string]any) {
	r.names[text(v, "eventName")]++
	code, failed := v["errorCode"].(string)
	if failed {
		r.errors[code]++
	}
	if _, ok := v["errorMessage"]; ok || failed {
		r.failed++
	}
	if text(v, "userIdentity", "type") == "IAMUser" {
		r.users[text(v, "userIdentity", "arn")]++
	}
	r.seen["version "+text(v, "eventVersion")]++
	r.seen["type "+text(v, "eventType")]++
	r.seen["caller "+text(v, "userIdentity", "type")]++
	for _, field := range []string{"addendum", "sharedEventID", "vpcEndpointId", "vpcEndpointAccountId", "serviceEventDetails", "sessionCredentialFromConsole", "tlsDetails", "fieldOfTheFuture", "resources"} {
		if v[field] != nil {
			r.seen[field]++
		}
	}
}

// text returns the string at a path, or nothing.
func text(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

func at(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func list(v any, path ...string) []any {
	l, _ := at(v, path...).([]any)
	return l
}

// launches finds the launches of enclave-enabled instances.
func (r *readings) launches(t *testing.T) []Launch {
	t.Helper()
	var out []Launch
	for _, record := range r.main {
		v := record.value
		l := Launch{EventID: text(v, "eventID"), Account: text(v, "recipientAccountId"), Region: text(v, "awsRegion"), Principal: text(v, "userIdentity", "arn"), Origin: OriginUser}
		enclave := false
		for _, item := range list(v, "responseElements", "instancesSet", "items") {
			if enabled, _ := at(item, "enclaveOptions", "enabled").(bool); !enabled {
				continue
			}
			enclave = true
			l.InstanceIDs = append(l.InstanceIDs, text(item, "instanceId"))
			l.InstanceType = text(item, "instanceType")
			for _, tag := range list(item, "tagSet", "items") {
				switch value := text(tag, "value"); text(tag, "key") {
				case "aws:ec2launchtemplate:id":
					l.TemplateID = value
				case "aws:ec2launchtemplate:version":
					l.TemplateVersion = value
				}
			}
		}
		if !enclave {
			continue
		}
		l.TemplateName = text(v, "requestParameters", "launchTemplate", "launchTemplateName")
		switch text(v, "userIdentity", "invokedBy") {
		case "autoscaling.amazonaws.com":
			l.Origin = OriginAutoScaling
		case "ec2fleet.amazonaws.com":
			l.Origin = OriginFleet
		}
		l.Time, _ = time.Parse(time.RFC3339, text(v, "eventTime"))
		r.seen["launch "+l.Origin]++
		if l.TemplateID == "" {
			r.seen["launch without template"]++
		}
		if l.TemplateName != "" {
			r.seen["launch by name"]++
		}
		if len(l.InstanceIDs) > 1 {
			r.seen["launch of several"]++
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Launch) int {
		return 2*a.Time.Compare(b.Time) + strings.Compare(a.EventID, b.EventID)
	})
	return out
}

// attested finds the attested calls. What only the generator knows is taken from the
// truth.
func (r *readings) attested(t *testing.T, truth *Truth) []Attested {
	t.Helper()
	known := map[string]Attested{}
	for _, a := range truth.Attested {
		known[a.EventID] = a
	}
	var out []Attested
	for _, record := range r.main {
		v := record.value
		recipient, ok := at(v, "additionalEventData", "recipient").(map[string]any)
		if !ok {
			continue
		}
		a := Attested{EventID: text(v, "eventID"), Account: text(v, "recipientAccountId"), Region: text(v, "awsRegion"), Operation: text(v, "eventName"), Principal: text(v, "userIdentity", "arn")}
		module := text(recipient, "attestationDocumentModuleId")
		if instance, slot, ok := strings.Cut(module, "-enc"); ok {
			a.Kind, a.InstanceID, a.Slot = kindEnclave, instance, slot
			a.PCR0 = digest(t, text(recipient, "attestationDocumentEnclaveImageDigest"))
			for _, n := range "12348" {
				a.PCR8 = digest(t, text(recipient, "attestationDocumentEnclavePCR"+string(n)))
			}
			a.Debug = strings.Trim(a.PCR0, "0") == ""
		} else if instance, _, ok := strings.Cut(module, "-tpm"); ok {
			a.Kind, a.InstanceID = kindNitroTPM, instance
			digest(t, text(recipient, "attestationDocumentNitroTPMPCR4"))
		}
		if l := list(v, "resources"); len(l) > 0 {
			a.Key = text(l[0], "ARN")
		}
		a.Time, _ = time.Parse(time.RFC3339, text(v, "eventTime"))
		a.Sender, a.Error = a.Principal[strings.LastIndexByte(a.Principal, '/')+1:], text(v, "errorCode")
		a.Relayed = !strings.HasSuffix(a.Principal, "/"+a.InstanceID)
		a.Logged, a.Match = known[a.EventID].Logged, known[a.EventID].Match
		if a.Error != "" {
			r.seen["attested failed"]++
		}
		if a.Relayed {
			r.seen["attested relayed"]++
		}
		r.seen["attested "+a.Kind]++
		r.seen["attested "+a.Kind+" "+a.Operation]++
		if a.PCR0 == strings.Repeat("0", 96) {
			r.seen["attested debug"]++
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Attested) int {
		return 2*a.Time.Compare(b.Time) + strings.Compare(a.EventID, b.EventID)
	})
	return out
}

// digest reads 48 bytes of base64 or hexadecimal text. Zeros in base64 are valid
// hexadecimal text, too: the length tells.
func digest(t *testing.T, spelled string) string {
	t.Helper()
	read := base64.StdEncoding.DecodeString
	if len(spelled) == 96 {
		read = hex.DecodeString
	}
	b, err := read(spelled)
	if err != nil || len(b) != 48 {
		t.Errorf("%q is no digest: %v", spelled, err)
	}
	return hex.EncodeToString(b)
}

// kmsDays finds the last event of KMS of each day.
func (r *readings) kmsDays() map[string][]time.Time {
	out := map[string][]time.Time{}
	for _, record := range r.main {
		if v := record.value; text(v, "eventSource") == "kms.amazonaws.com" {
			account := text(v, "recipientAccountId")
			at, _ := time.Parse(time.RFC3339, text(v, "eventTime")) // one that cannot be read is the year 1, which no truth has
			out[account] = append(out[account], at)
		}
	}
	for account, days := range out {
		slices.SortFunc(days, func(a, b time.Time) int { return b.Compare(a) })
		days = slices.CompactFunc(days, func(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) })
		slices.Reverse(days)
		out[account] = days
	}
	return out
}

// touching returns the events in which a value is exactly the resource.
func (r *readings) touching(resource string) []string {
	type hit struct{ at, id string }
	var hits []hit
	for _, record := range r.main {
		if strings.Contains(record.raw, resource) && contains(record.value, resource) {
			hits = append(hits, hit{text(record.value, "eventTime"), text(record.value, "eventID")})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return strings.Compare(a.at, b.at) })
	var ids []string
	for _, h := range hits {
		ids = append(ids, h.id)
	}
	return ids
}

func contains(v any, value string) bool {
	switch v := v.(type) {
	case string:
		return v == value
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return contains(e, value) })
	case map[string]any:
		for _, e := range v {
			if contains(e, value) {
				return true
			}
		}
	}
	return false
}

// checkSessions sees that each call of a logged enclave lies in its life.
func (r *readings) checkSessions(t *testing.T, o Options, truth *Truth) {
	t.Helper()
	logged := 0
	for _, a := range truth.Attested {
		if !a.Logged {
			continue
		}
		logged++
		fits := slices.ContainsFunc(o.Sessions, func(s Session) bool {
			return s.InstanceID == a.InstanceID && len(a.Slot) == 16 && strings.TrimLeft(a.Slot, "0") == s.Slot &&
				!a.Time.Before(s.From) && !a.Time.After(s.To) && s.Debug == (strings.Trim(a.PCR0, "0") == "")
		})
		if !fits {
			t.Errorf("no session fits %+v", a)
		}
	}
	if logged < 50 {
		t.Errorf("only %d calls of logged enclaves", logged)
	}
}

// checkVariety sees that the trail has what it promises.
func (r *readings) checkVariety(t *testing.T) {
	t.Helper()
	mean := r.size / int64(len(r.main))
	t.Logf("%d bytes to a record, %d names", mean, len(r.names))
	if mean < 1300 || mean > 1800 {
		t.Errorf("records of %d bytes", mean)
	}
	if n := r.duplicates["cloudtrail"] * 1000 / r.events["cloudtrail"]; n < 15 || n > 50 {
		t.Errorf("%d duplicates among 1000 events", n)
	}
	if n := r.failed * 1000 / r.events["cloudtrail"]; n < 15 || n > 120 {
		t.Errorf("%d failures among 1000 events", n)
	}
	if len(r.names) < 45 {
		t.Errorf("%d event names", len(r.names))
	}
	want := []string{
		"version 1.05", "version 1.06", "version 1.07", "version 1.08", "version 1.09", "version 1.10", "version 1.11",
		"type AwsApiCall", "type AwsServiceEvent", "type AwsConsoleSignIn",
		"caller ", "caller Root", "caller IAMUser", "caller AssumedRole", "caller AWSService", "caller AWSAccount", "caller WebIdentityUser", "caller SAMLUser", "caller IdentityCenterUser",
		"addendum", "sharedEventID", "vpcEndpointId", "vpcEndpointAccountId", "serviceEventDetails", "sessionCredentialFromConsole", "tlsDetails", "fieldOfTheFuture", "resources",
		"launch user", "launch autoscaling", "launch fleet", "launch without template", "launch by name", "launch of several",
		"attested nitrotpm", "attested enclave Decrypt", "attested enclave GenerateDataKey", "attested enclave GenerateDataKeyPair", "attested enclave GenerateRandom", "attested enclave DeriveSharedSecret", "attested debug", "attested relayed", "attested failed",
	}
	for _, what := range want {
		if r.seen[what] == 0 {
			t.Errorf("no %s in the trail", what)
		}
	}
	for _, kind := range []string{KindEvents, KindInsight, KindNetwork, KindAggregated, KindDigest, KindOther} {
		if r.files[kind] == 0 {
			t.Errorf("no files of the kind %s", kind)
		}
	}
}
