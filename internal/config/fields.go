package config

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// field is one setting with a single value: a leaf of Config.
type field struct {
	key   string // such as ingest.batch_records
	value reflect.Value
	tag   reflect.StructTag
}

// leaves returns the settings with a single value below v, in the order of the
// struct. hosts and clients are not among them: they come from the file only.
func leaves(v reflect.Value, prefix string) []field {
	var out []field
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("yaml")
		switch {
		case name == "" || name == "-":
		case f.Type.Kind() == reflect.Struct:
			out = append(out, leaves(v.Field(i), prefix+name+".")...)
		case f.Type.Kind() != reflect.Map && f.Type.Kind() != reflect.Slice:
			out = append(out, field{key: prefix + name, value: v.Field(i), tag: f.Tag})
		}
	}
	return out
}

// fields returns the settings with a single value.
func (c *Config) fields() []field { return leaves(reflect.ValueOf(c).Elem(), "") }

// variable returns the name of the environment variable of a key.
func variable(key string) string {
	return "TRAILHOUSE_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// variableOf returns the variable that gives a key its value, and the value; an
// empty one counts as not set. data_dir has a short second name, as its flag is
// short: --data.
func variableOf(env map[string]string, key string) (name, text string) {
	name = variable(key)
	if key == "data_dir" && env[name] == "" && env[shortDataDir] != "" {
		name = shortDataDir
	}
	return name, env[name]
}

const shortDataDir = "TRAILHOUSE_DATA"

// kindOf names the type of a setting as the reference page and messages do.
func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration"
	case t == reflect.TypeFor[time.Time]():
		return "date or time"
	case t.Kind() == reflect.Int64:
		return "integer"
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.Map:
		return "mapping"
	case t.Kind() == reflect.Slice:
		return "list"
	case t.Kind() == reflect.Struct:
		return "mapping"
	}
	return "text"
}

// setText parses text into v. The error names neither key nor place.
func setText(v reflect.Value, text string) error {
	switch v.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return trailhouse.Errorf(trailhouse.CodeUsage, "%q is not a duration such as 90s, 5m or 24h", text)
		}
		v.SetInt(int64(d))
		return nil
	case time.Time:
		t, err := ParseInstant(text)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(t))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return trailhouse.Errorf(trailhouse.CodeUsage, "%q is not an integer", text)
		}
		v.SetInt(n)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return trailhouse.Errorf(trailhouse.CodeUsage, "%q is neither true nor false", text)
		}
		v.SetBool(b)
	default:
		panic("BUG: a setting of type " + v.Type().String())
	}
	return nil
}

// ParseInstant reads a date, which means midnight UTC, or an RFC 3339 time. It
// returns the instant in UTC, or CodeUsage.
func ParseInstant(text string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, trailhouse.Errorf(trailhouse.CodeUsage,
			"%q is neither a date such as 2025-11-03 nor a time such as 2025-11-03T08:00:00Z", text)
	}
	return t.UTC(), nil
}

// check holds the value against the tags of its setting.
func (f field) check() error {
	if choices := f.tag.Get("oneof"); choices != "" && !contains(strings.Fields(choices), f.value.String()) {
		return trailhouse.Errorf(trailhouse.CodeUsage, "%q is not one of %s", f.value, strings.ReplaceAll(choices, " ", ", "))
	}
	lowest, highest := f.tag.Get("min"), f.tag.Get("max")
	if lowest == "" {
		return nil
	}
	if n := f.value.Int(); n < f.bound(lowest) || n > f.bound(highest) {
		return trailhouse.Errorf(trailhouse.CodeUsage, "%v is not between %s and %s", f.value, lowest, highest)
	}
	return nil
}

// bound reads a min or max tag, which is of the setting's type.
func (f field) bound(text string) int64 {
	v := reflect.New(f.value.Type()).Elem()
	if setText(v, text) != nil {
		panic("BUG: bound " + text + " of " + f.key)
	}
	return v.Int()
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}
