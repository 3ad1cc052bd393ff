package columns_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

func text1(names ...string) []trailhouse.Column {
	out := make([]trailhouse.Column, len(names))
	for i, n := range names {
		out[i] = trailhouse.Column{Name: n, Type: trailhouse.TypeString}
	}
	return out
}

// trailTable has the shape of CloudTrail Lake's columns (facts/cloudtrail.md 2.1)
// with extracted columns beside them: 84 leaves.
func trailTable() *trailhouse.Table {
	structOf := func(name string, fields ...trailhouse.Column) trailhouse.Column {
		return trailhouse.Column{Name: name, Type: trailhouse.TypeStruct, Fields: fields}
	}
	session := structOf("sessioncontext",
		structOf("attributes", trailhouse.Column{Name: "creationdate", Type: trailhouse.TypeTimestamp}, text1("mfaauthenticated")[0]),
		structOf("sessionissuer", text1("type", "principalid", "arn", "accountid", "username")...),
		structOf("webidfederationdata", text1("federatedprovider")[0], trailhouse.Column{Name: "attributes", Type: trailhouse.TypeMap}),
	)
	session.Fields = append(session.Fields, text1("sourceidentity", "ec2roledelivery", "ec2issuedinvpc")...)
	identity := structOf("useridentity", append(text1("type", "principalid", "arn", "accountid", "accesskeyid", "username", "invokedby", "identityprovider", "credentialid"), session)...)
	cols := []trailhouse.Column{
		{Name: "eventid", Type: trailhouse.TypeUUID, Required: true, Unique: true},
		{Name: "eventtime", Type: trailhouse.TypeTimestamp, Required: true},
		identity,
		{Name: "requestparameters", Type: trailhouse.TypeMap},
		{Name: "responseelements", Type: trailhouse.TypeMap},
		{Name: "additionaleventdata", Type: trailhouse.TypeMap},
		{Name: "serviceeventdetails", Type: trailhouse.TypeMap},
		{Name: "resources", Type: trailhouse.TypeStructs, Fields: text1("accountid", "type", "arn")},
		{Name: "readonly", Type: trailhouse.TypeBool},
		{Name: "managementevent", Type: trailhouse.TypeBool},
		structOf("tlsdetails", text1("tlsversion", "ciphersuite", "clientprovidedhostheader", "keyexchange")...),
		structOf("addendum", text1("reason", "updatedfields", "originalrequestid", "originaleventid")...),
		{Name: "requestid", Type: trailhouse.TypeString, Unique: true},
		{Name: "instance_ids", Type: trailhouse.TypeStrings},
		{Name: "entity_ids", Type: trailhouse.TypeStrings},
		{Name: "record_index", Type: trailhouse.TypeInt64},
	}
	cols = append(cols, text1("eventversion", "eventsource", "eventname", "awsregion", "sourceipaddress", "useragent", "errorcode", "errormessage",
		"eventtype", "apiversion", "recipientaccountid", "sharedeventid", "vpcendpointid", "eventcategory", "sessioncredentialfromconsole",
		"edgedevicedetails", "unknown_fields", "instance_type", "launch_template_id", "launch_template_name", "launch_template_version",
		"launch_origin", "module_instance_id", "module_slot", "pcr0", "pcr1", "pcr2", "pcr3", "pcr4", "pcr8", "tpm_module", "source_object")...)
	return &trailhouse.Table{Name: "cloudtrail", Key: "eventid", PartitionBy: "eventtime", Transform: trailhouse.ByDay, Columns: cols}
}

// seeds are the events of a real, public trail.
var seeds = sync.OnceValue(func() []map[string]json.RawMessage {
	var out []map[string]json.RawMessage
	names, _ := filepath.Glob("../../../shared/data/cloudtrail/invictus/CloudTrail/*.gz")
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		zr, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			panic(err)
		}
		var body struct{ Records []map[string]json.RawMessage }
		if err := json.NewDecoder(zr).Decode(&body); err != nil {
			panic(err)
		}
		for _, r := range body.Records {
			lower := map[string]json.RawMessage{}
			for name, value := range r {
				lower[strings.ToLower(name)] = value
			}
			out = append(out, lower)
		}
	}
	return out
})

// varied makes many events of few: accounts, ids and addresses of one event are
// replaced by others, the same by the same, and by few frequent and many rare ones.
type varied struct {
	rnd  *rand.Rand
	zipf *rand.Zipf
	// z is a number for a session, account one for an object: a trail delivers each
	// account and region in objects of its own.
	z, account uint64
	// fresh is another number for each event
	fresh uint64
	buf   []byte
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c == '-' }

func (v *varied) text(s []byte) []byte {
	v.buf = v.buf[:0]
	for i := 0; i < len(s); {
		j, digits := i, 0
		for j < len(s) && isHex(s[j]) {
			if s[j] <= '9' && s[j] != '-' {
				digits++
			}
			j++
		}
		if j-i < 8 || digits < 3 {
			v.buf = append(v.buf, s[i:max(j, i+1)]...)
			i = max(j, i+1)
			continue
		}
		v.replace(s[i:j])
		i = j
	}
	return v.buf
}

func (v *varied) replace(run []byte) {
	h := fnv.New64a()
	_, _ = h.Write(run)
	z := v.z
	switch {
	case len(run) == 12:
		z = v.account
	case len(run) >= 17 && h.Sum64()%2 == 0: // an id that is never seen again
		z = v.fresh
	}
	r := rand.New(rand.NewPCG(h.Sum64(), z))
	for _, c := range run {
		switch {
		case c >= '0' && c <= '9':
			c = "0123456789"[r.IntN(10)]
		case c != '-':
			c = "abcdef"[r.IntN(6)]
		}
		v.buf = append(v.buf, c)
	}
}

func plain(raw json.RawMessage) []byte {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	if raw[0] == '"' {
		var s string
		_ = json.Unmarshal(raw, &s)
		return []byte(s)
	}
	var buf bytes.Buffer
	_ = json.Compact(&buf, raw)
	return buf.Bytes()
}

func (v *varied) set(b *trailhouse.Batch, name string, raw json.RawMessage) {
	i := b.Table.Index(name)
	if i < 0 {
		return
	}
	value := plain(raw)
	if value == nil {
		return
	}
	switch c := &b.Table.Columns[i]; c.Type {
	case trailhouse.TypeString:
		if name != "useragent" { // versions look like ids
			value = v.text(value)
		}
		b.SetText(i, value)
	case trailhouse.TypeBool:
		b.SetBool(i, string(value) == "true")
	case trailhouse.TypeTimestamp:
		t, _ := time.Parse(time.RFC3339, string(value))
		b.SetTime(i, t)
	case trailhouse.TypeMap:
		m := b.Child(i)
		for _, k := range members(value) {
			m.SetString(0, k.name)
			if text := plain(k.value); text != nil {
				m.SetText(1, v.text(text))
			}
			m.EndRow()
		}
		b.SetRows(i)
	case trailhouse.TypeStruct:
		v.fields(b.Child(i), value)
		b.SetRows(i)
	case trailhouse.TypeStructs:
		var list []json.RawMessage
		_ = json.Unmarshal(value, &list)
		for _, item := range list {
			v.fields(b.Child(i), item)
		}
		b.SetRows(i)
	}
}

func (v *varied) fields(b *trailhouse.Batch, object []byte) {
	for _, m := range members(object) {
		v.set(b, strings.ToLower(m.name), m.value)
	}
	b.EndRow()
}

type member struct {
	name  string
	value json.RawMessage
}

func members(object []byte) []member {
	dec := json.NewDecoder(bytes.NewReader(object))
	if t, _ := dec.Token(); t != json.Delim('{') {
		return nil
	}
	var out []member
	for dec.More() {
		name, _ := dec.Token()
		var value json.RawMessage
		_ = dec.Decode(&value)
		out = append(out, member{name.(string), value})
	}
	return out
}

func randomKey(rnd *rand.Rand) trailhouse.Key {
	var k trailhouse.Key
	binary.LittleEndian.PutUint64(k[:], rnd.Uint64())
	binary.LittleEndian.PutUint64(k[8:], rnd.Uint64())
	return k
}

// trail is a batch of n events.
func trail(tb testing.TB, n int) *trailhouse.Batch {
	events := seeds()
	if len(events) == 0 {
		tb.Skip("no sample trail beside the repository")
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	v := &varied{rnd: rnd, zipf: rand.NewZipf(rnd, 1.2, 3, 20000)}
	b := trailhouse.NewBatch(trailTable())
	t := b.Table
	at := time.Date(2025, 11, 3, 0, 0, 0, 0, time.UTC)
	const perObject, perSession = 200, 8
	first := 0
	for i := range n {
		if i%perObject == 0 {
			v.account = rnd.Uint64() % 12
		}
		if i%perSession == 0 {
			v.z, first = v.zipf.Uint64(), rnd.IntN(len(events))
		}
		v.fresh = rnd.Uint64()
		e := events[(first+i%perSession)%len(events)]
		b.SetKey(0, randomKey(rnd))
		b.SetTime(1, at.Add(time.Duration(i)*400*time.Millisecond).Truncate(time.Second))
		for _, c := range t.Columns {
			if raw, ok := e[c.Name]; ok && c.Name != "requestid" && !c.Required {
				v.set(b, c.Name, raw)
			}
		}
		b.SetString(t.MustIndex("requestid"), randomKey(rnd).String())
		b.SetInt(t.MustIndex("record_index"), int64(i%perObject))
		b.SetString(t.MustIndex("source_object"), fmt.Sprintf("/data/trail/AWSLogs/218007301253/CloudTrail/us-east-1/2025/11/03/218007301253_CloudTrail_us-east-1_20251103T%04dZ_C1qUFaqvZS64BcIN.json.gz", i/perObject))
		b.EndRow()
	}
	return b
}

// eventBytes is about how long an event of the sample is as JSON.
const eventBytes = 1260

// BenchmarkWriteTrail writes two row groups of events.
func BenchmarkWriteTrail(b *testing.B) {
	benchmarkWrite(b, trail(b, 2*columns.RowGroupRows), eventBytes)
}

// BenchmarkReadTrail reads the events, as a merge of files does.
func BenchmarkReadTrail(b *testing.B) {
	batch := trail(b, columns.RowGroupRows)
	path := filepath.Join(b.TempDir(), "x.parquet")
	if _, err := columns.Write(path, batch, nil); err != nil {
		b.Fatal(err)
	}
	measure(b, batch.Len(), eventBytes, func(int) {
		err := columns.Read(context.Background(), path, batch.Table, nil, func(*trailhouse.Batch) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkCopyTrail fills a batch with rows of another: the cost of a decoder's
// setters, without the decoder.
func BenchmarkCopyTrail(b *testing.B) {
	batch := trail(b, columns.RowGroupRows)
	dst := trailhouse.NewBatch(batch.Table)
	measure(b, batch.Len(), eventBytes, func(int) {
		dst.Reset()
		for row := range batch.Len() {
			dst.CopyRow(batch, row)
		}
	})
}
