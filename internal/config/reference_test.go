package config

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

// TestReferencePage holds docs/configuration.md against the comments of the
// structs: go test ./internal/config -update writes it anew.
func TestReferencePage(t *testing.T) {
	want := referencePage(t)
	path := filepath.Join("..", "..", "docs", "configuration.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/configuration.md is not what the structs say (%v): run go test ./internal/config -update", err)
	}
}

const referenceHead = `# Configuration

<!-- Generated from the comments of internal/config by its test; run make docs. -->

Every setting has a default, so no file is needed. A value is looked for in this order:

1. a flag (` + "`--data`, `--log-level`, `--json`, `--batch-records`" + `);
2. the environment: ` + "`TRAILHOUSE_`" + ` and the key in capitals with ` + "`_`" + ` for each dot, such as
   ` + "`TRAILHOUSE_INGEST_BATCH_RECORDS`" + `; ` + "`TRAILHOUSE_DATA`" + ` is a short name of ` + "`TRAILHOUSE_DATA_DIR`" + `, which comes first;
3. one file: the one that ` + "`--config FILE` or `TRAILHOUSE_CONFIG`" + ` names, else ` + "`trailhouse.yaml`" + ` in the working directory,
   else ` + "`trailhouse.yaml`" + ` in the data directory;
4. the default.

The file is read strictly: an unknown key, a key given twice or a value of the wrong type is an error that names file, line
and key. Anchors, aliases and tags of YAML are not supported. ` + "`trailhouse config check`" + ` shows everything that is wrong at
once, and ` + "`trailhouse config show`" + ` prints the values in force and where each comes from. A relative path in the file starts
at the file's directory, any other at the working directory. Dates are midnight UTC; times are RFC 3339. Durations look like
` + "`90s`, `5m` or `24h`" + `.

`

const referenceExample = `
## Example

` + "```yaml" + `
query:
  memory_mib: 2048

sources:
  - source: cloudtrail
    path: s3://acme-audit-logs
    role_arn: arn:aws:iam::111122223333:role/Audit
    external_id: ticket-7
    exclude:
      - source: kms.amazonaws.com
        name: Decrypt

hosts:
  i-0a1b2c3d4e5f60718:
    account: "111122223333"
    instance_type: m5.2xlarge
    tags: {team: payments}

clients:
  - client: acme
    name: "acme-*"
    from: 2025-01-01
  - client: payments
    tag: {team: payments}

approved_images:
  - pcr0: 7fb5c55bc2ecbb68ed99a13d7122abfc0666b926a79d5379bc58b9445c84217f59cfdd36c08b2c79552928702efe23e4
    client: acme
    from: 2025-10-01
    note: release 4.2, change 1207

deliver:
  - name: bill
    report: client-usage
    period: last month
    formats: [csv, json]
    schedule: monthly on day 3 at 06:00
    time_zone: Europe/Paris
    target:
      s3: {bucket: acme-reports, prefix: enclaves}
      mail:
        host: smtp.example.com
        user: reports
        password_env: SMTP_PASSWORD
        from: Trailhouse <reports@example.com>
        to: [billing@example.com]
` + "```" + `
`

// referencePage writes the page from the structs and their comments.
func referencePage(t *testing.T) string {
	comments := fieldComments(t)
	c := Default("~/.local/share/trailhouse")
	var b strings.Builder
	b.WriteString(referenceHead)
	b.WriteString("## Settings\n\n| key | type | default | meaning |\n|---|---|---|---|\n")
	writeLeaves(t, &b, reflect.ValueOf(c).Elem(), "", comments)
	b.WriteString("\n## `sources`\n\n" + comments["Config.Sources"] + "\n\n| key | type | meaning |\n|---|---|---|\n")
	writeKeys(t, &b, reflect.TypeFor[Source](), comments)
	b.WriteString("\nA rule of `include` and `exclude` picks events: `*` is any text and `?` any character, and all keys of a rule must match.\n\n| key | type | meaning |\n|---|---|---|\n")
	writeKeys(t, &b, reflect.TypeFor[EventRule](), comments)
	b.WriteString("\n## `hosts`\n\n" + comments["Config.Hosts"] + "\n\n| key | type | meaning |\n|---|---|---|\n")
	writeKeys(t, &b, reflect.TypeFor[Host](), comments)
	b.WriteString("\n## `clients`\n\n" + comments["Config.Clients"] + " All patterns of a rule must match; a rule without patterns matches everything.\n" +
		"The rule in force when the enclave became ready holds for its whole session.\n\n| key | type | meaning |\n|---|---|---|\n")
	writeKeys(t, &b, reflect.TypeFor[ClientRule](), comments)
	b.WriteString("\n## `approved_images`\n\n" + comments["Config.ApprovedImages"] + "\n" +
		"A list is there for a call where an entry, whatever its dates, is for its client and key. The call is `approved` where one of\n" +
		"these entries has its measurement and is in force at its time, else `not-approved`; a debug document never is approved.\n\n" +
		"| key | type | meaning |\n|---|---|---|\n")
	writeKeys(t, &b, reflect.TypeFor[ApprovedImage](), comments)
	writeDeliver(t, &b, comments)
	b.WriteString(referenceExample)
	return b.String()
}

// writeDeliver writes the section of deliveries and what stands below them.
func writeDeliver(t *testing.T, b *strings.Builder, comments map[string]string) {
	const head = "\n\n| key | type | meaning |\n|---|---|---|\n"
	b.WriteString("\n## `deliver`\n\n" + comments["Config.Deliver"] + " A single text may stand for a list of one." + head)
	writeKeys(t, b, reflect.TypeFor[Deliver](), comments)
	for _, part := range []struct {
		name string
		typ  reflect.Type
	}{
		{"`reports`", reflect.TypeFor[DeliverReport]()},
		{"`target` and each of `targets`", reflect.TypeFor[DeliverTarget]()},
		{"`target.directory`", reflect.TypeFor[DirectoryTarget]()},
		{"`target.s3`", reflect.TypeFor[S3Target]()},
		{"`target.sns`", reflect.TypeFor[SNSTarget]()},
		{"`target.mail`", reflect.TypeFor[MailTarget]()},
		{"`clients` of a delivery", reflect.TypeFor[DeliverClient]()},
	} {
		b.WriteString("\n" + strings.ToUpper(part.name[:1]) + part.name[1:] + ":" + head)
		writeKeys(t, b, part.typ, comments)
	}
}

// writeLeaves writes a line for each setting below v.
func writeLeaves(t *testing.T, b *strings.Builder, v reflect.Value, prefix string, comments map[string]string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("yaml")
		switch {
		case name == "" || f.Type.Kind() == reflect.Map || f.Type.Kind() == reflect.Slice:
		case f.Type.Kind() == reflect.Struct:
			writeLeaves(t, b, v.Field(i), prefix+name+".", comments)
		default:
			fmt.Fprintf(b, "| `%s` | %s | %s | %s%s |\n", prefix+name, kindOf(f.Type), shownDefault(v.Field(i)),
				mustComment(t, comments, v.Type().Name(), f.Name), bounds(f.Tag))
		}
	}
}

// writeKeys writes a line for each key of a struct that only the file holds.
func writeKeys(t *testing.T, b *strings.Builder, typ reflect.Type, comments map[string]string) {
	for _, f := range reflect.VisibleFields(typ) {
		if name := f.Tag.Get("yaml"); name != "-" && !f.Anonymous {
			owner := typ
			if up := f.Index[:len(f.Index)-1]; len(up) > 0 {
				owner = typ.FieldByIndex(up).Type
			}
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, kindOf(f.Type), mustComment(t, comments, owner.Name(), f.Name))
		}
	}
}

func shownDefault(v reflect.Value) string {
	text := fmt.Sprint(v.Interface())
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// bounds says what the tags of a setting allow.
func bounds(tag reflect.StructTag) string {
	switch {
	case tag.Get("oneof") != "":
		return " One of " + strings.ReplaceAll(tag.Get("oneof"), " ", ", ") + "."
	case tag.Get("min") != "":
		return " From " + tag.Get("min") + " to " + tag.Get("max") + "."
	}
	return ""
}

func mustComment(t *testing.T, comments map[string]string, typ, name string) string {
	text := comments[typ+"."+name]
	if text == "" {
		t.Errorf("%s.%s has no comment, so the reference page cannot explain it", typ, name)
	}
	return text
}

// fieldComments returns the comments of all struct fields of the package, each on
// one line, by Type.Field.
func fieldComments(t *testing.T) map[string]string {
	out := map[string]string{}
	for _, file := range []string{"config.go", "clients.go", "images.go", "sources.go", "deliver.go"} {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					if len(f.Names) == 0 { // an embedded struct, whose fields stand for themselves
						continue
					}
					out[spec.Name.Name+"."+f.Names[0].Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
				}
			}
			return true
		})
	}
	return out
}
