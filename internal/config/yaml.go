package config

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/trailhouse/trailhouse"
)

// decoder fills a Config from one YAML file and collects everything that is wrong
// with it, so that one run of config check shows all.
type decoder struct {
	*Config
	name  string // of the file, as the user gave it
	wrong []error
}

// decodeYAML reads content into c. Each error names file, line and key.
func decodeYAML(c *Config, file string, content []byte) error {
	tree, err := parse(content)
	if err != nil {
		return syntaxError(file, err)
	}
	d := &decoder{Config: c, name: file}
	for i, doc := range tree.Docs {
		switch {
		case i > 0:
			d.fail(doc, "", "a second document", "keep everything in one document, without ---")
		case doc.Body != nil:
			d.value(doc.Body, reflect.ValueOf(c).Elem(), "")
		}
	}
	return errors.Join(d.wrong...)
}

// parse parses YAML. goccy/go-yaml panics on some texts that are not YAML, which is
// the file's mistake and not the program's.
func parse(content []byte) (tree *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	return parser.ParseBytes(content, 0)
}

// syntaxError turns the parser's error into ours.
func syntaxError(file string, err error) error {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		return trailhouse.Errorf(trailhouse.CodeUsage, "%s:%d: %s", file, syntax.GetToken().Position.Line, syntax.GetMessage())
	}
	return trailhouse.Errorf(trailhouse.CodeUsage, "%s: not YAML: %w", file, err)
}

// fail notes that something is wrong at the node.
func (d *decoder) fail(n ast.Node, key, text, hint string) {
	d.faulty[sectionOf(key)] = true
	place := d.name + ":" + strconv.Itoa(lineOf(n)) + ": "
	if key != "" {
		place += key + ": "
	}
	d.wrong = append(d.wrong, &trailhouse.Error{Code: trailhouse.CodeUsage, Text: place + text, Hint: hint})
}

// unreadable notes that the value of a key cannot be read.
func (d *decoder) unreadable(n ast.Node, key, text, hint string) {
	d.broken[key] = true
	d.fail(n, key, text, hint)
}

// lineOf returns the line on which the node starts. A mapping's own token is its
// first colon, so the first key is asked.
func lineOf(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return lineOf(m.Values[0].Key)
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		return lineOf(m.Key)
	}
	if d, ok := n.(*ast.DocumentNode); ok && d.Body != nil {
		return lineOf(d.Body)
	}
	if t := n.GetToken(); t != nil {
		return t.Position.Line
	}
	return 0
}

// value fills v from the node.
func (d *decoder) value(n ast.Node, v reflect.Value, key string) {
	kind := kindOf(v.Type())
	switch {
	case kind == "list":
		d.list(n, v, key)
	case kind == "mapping" && v.Kind() == reflect.Map:
		d.table(n, v, key)
	case kind == "mapping":
		d.mapping(n, v, key)
	default:
		d.scalar(n, v, key)
	}
	d.origins[key] = d.name + ":" + strconv.Itoa(lineOf(n))
}

// entries returns the pairs of a mapping, or says that the node is none.
func (d *decoder) entries(n ast.Node, key string) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	}
	d.unreadable(n, key, "is "+nodeKind(n)+", must be a mapping", "")
	return nil
}

// mapping fills a struct: its keys are known.
func (d *decoder) mapping(n ast.Node, v reflect.Value, key string) {
	switch element := v.Addr().Interface().(type) {
	case *ClientRule:
		element.Line = lineOf(n)
	case *ApprovedImage:
		element.Line = lineOf(n)
	case *Source:
		element.Line = lineOf(n)
	case *Deliver:
		element.Line = lineOf(n)
	}
	if field, ok := shortForm(n, v); ok {
		d.scalar(n, field, key)
		return
	}
	known := map[string]reflect.Value{}
	for _, f := range reflect.VisibleFields(v.Type()) { // those of embedded structs too
		if name := f.Tag.Get("yaml"); name != "" && name != "-" {
			known[name] = v.FieldByIndex(f.Index)
		}
	}
	for _, entry := range d.entries(n, key) {
		name := keyText(entry)
		target, ok := known[name]
		if !ok {
			d.fail(entry, join(key, name), "unknown key", "the keys here are "+listKeys(known))
			continue
		}
		d.value(entry.Value, target, join(key, name))
	}
}

// shortForm returns the field that a text in place of a mapping stands for, where the
// struct has one.
func shortForm(n ast.Node, v reflect.Value) (reflect.Value, bool) {
	if _, isText := scalarText(n); !isText {
		return reflect.Value{}, false
	}
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("short") != "" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// table fills a map, whose keys are the user's.
func (d *decoder) table(n ast.Node, v reflect.Value, key string) {
	v.Set(reflect.MakeMap(v.Type()))
	for _, entry := range d.entries(n, key) {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(entry.Value, element, join(key, keyText(entry)))
		d.origins[join(key, keyText(entry))] = d.name + ":" + strconv.Itoa(lineOf(entry))
		v.SetMapIndex(reflect.ValueOf(keyText(entry)), element)
	}
}

// list fills a slice. A single text stands for a list of it.
func (d *decoder) list(n ast.Node, v reflect.Value, key string) {
	if _, isText := scalarText(n); isText && v.Type().Elem().Kind() == reflect.String {
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		d.scalar(n, v.Index(0), key)
		return
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.unreadable(n, key, "is "+nodeKind(n)+", must be a list", "start each element with a dash")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	for i, element := range seq.Values {
		d.value(element, v.Index(i), key+"["+strconv.Itoa(i+1)+"]")
	}
}

// scalar fills a single value. A text may stand without quotes even where YAML
// takes it for a number, so that an account id keeps its leading zero; every other
// type must be what it is.
func (d *decoder) scalar(n ast.Node, v reflect.Value, key string) {
	text, ok := scalarText(n)
	want := kindOf(v.Type())
	_, isInt := n.(*ast.IntegerNode)
	_, isBool := n.(*ast.BoolNode)
	if !ok || (want == "integer" && !isInt) || (want == "boolean" && !isBool) {
		d.unreadable(n, key, "is "+nodeKind(n)+", must be "+article(want), "")
		return
	}
	if err := setText(v, text); err != nil {
		d.unreadable(n, key, err.Error(), "")
	}
}

// scalarText returns the text of a scalar as it was written, without quotes.
func scalarText(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return s.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return s.GetToken().Value, true
	}
	return "", false
}

// keyText returns the key of an entry.
func keyText(entry *ast.MappingValueNode) string {
	if text, ok := scalarText(entry.Key); ok {
		return text
	}
	return entry.Key.String()
}

// nodeKind names what stands in the file.
func nodeKind(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "empty"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.IntegerNode:
		return "an integer"
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number with a fraction"
	case *ast.BoolNode:
		return "a boolean"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	}
	return "an anchor, alias or tag, which is not supported"
}

// article puts a or an before a kind.
func article(kind string) string {
	if strings.HasPrefix(kind, "i") {
		return "an " + kind
	}
	return "a " + kind
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func listKeys(known map[string]reflect.Value) string {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
