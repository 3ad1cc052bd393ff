package clients

import (
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
)

func TestCompileRefuses(t *testing.T) {
	day := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		rule config.ClientRule
		want string
	}{
		"no client":        {config.ClientRule{Name: "x"}, "client is missing"},
		"control in name":  {config.ClientRule{Client: "a", Name: "x\x00"}, "control character"},
		"not UTF-8":        {config.ClientRule{Client: "a\xff"}, "not UTF-8"},
		"open class":       {config.ClientRule{Client: "a", Name: "[x"}, "not a glob"},
		"eif class":        {config.ClientRule{Client: "a", EIF: "[x"}, "not a glob"},
		"regex":            {config.ClientRule{Client: "a", NameRegex: "a("}, "missing closing"},
		"regex that leaks": {config.ClientRule{Client: "a", NameRegex: "a)|(b"}, "unexpected )"},
		"lookahead":        {config.ClientRule{Client: "a", NameRegex: "a(?=b)"}, "invalid or unsupported Perl syntax"},
		"named group":      {config.ClientRule{Client: "a", NameRegex: "(?<n>b)"}, "group with a name"},
		"short PCR":        {config.ClientRule{Client: "a", PCR0: "00ff"}, "2 bytes"},
		"SHA-256 as PCR":   {config.ClientRule{Client: "a", PCR8: strings.Repeat("ab", 32)}, "32 bytes"},
		"text as PCR":      {config.ClientRule{Client: "a", PCR8: "none"}, "neither 96 hexadecimal digits"},
		"short account":    {config.ClientRule{Client: "a", Account: "1234"}, "12 digits"},
		"tag with =":       {config.ClientRule{Client: "a", Tag: map[string]string{"a=b": "c"}}, "holds no ="},
		"empty span":       {config.ClientRule{Client: "a", From: day, To: day}, "never in force"},
	} {
		t.Run(name, func(t *testing.T) {
			c.rule.Line = 7
			_, err := Compile("trailhouse.yaml", []config.ClientRule{{Client: "ok"}, c.rule}, nil)
			if err == nil {
				t.Fatal("accepted")
			}
			if trailhouse.CodeOf(err) != trailhouse.CodeUsage || trailhouse.HintOf(err) == "" {
				t.Errorf("code %s, hint %q", trailhouse.CodeOf(err), trailhouse.HintOf(err))
			}
			if !strings.HasPrefix(err.Error(), "trailhouse.yaml:7: clients: rule 2: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want %q in it", err, c.want)
			}
		})
	}
}

func TestCompileRefusesHosts(t *testing.T) {
	for instance, h := range map[string]config.Host{
		"i-1": {Account: "12"},
		"":    {},
		"i-2": {Tags: map[string]string{"": "x"}},
		"i-3": {InstanceType: "m5\n"},
	} {
		if _, err := Compile("t.yaml", nil, map[string]config.Host{instance: h}); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("%q %+v: %v", instance, h, err)
		}
	}
}

func TestHash(t *testing.T) {
	hash := func(line int, rules ...config.ClientRule) string {
		for i := range rules {
			rules[i].Line = line + i
		}
		r, err := Compile("t.yaml", rules, map[string]config.Host{"i-1": {Account: "111122223333"}, "i-2": {Tags: map[string]string{"a": "b", "c": "d"}}})
		if err != nil {
			t.Fatal(err)
		}
		return r.Hash()
	}
	a := config.ClientRule{Client: "a", Name: "a*", PCR0: strings.Repeat("AB", 48), Tag: map[string]string{"x": "1", "y": "2", "z": "3"}}
	b := config.ClientRule{Client: "b", Name: "b*"}
	lower := a
	lower.PCR0 = strings.ToLower(a.PCR0)
	for range 8 {
		if hash(1, a, b) != hash(9, lower, b) {
			t.Error("the hash depends on line numbers, spelling or the order of maps")
		}
	}
	renamed := b
	renamed.Client = "c"
	for name, other := range map[string]string{"order": hash(1, b, a), "client": hash(1, a, renamed), "fewer": hash(1, a)} {
		if other == hash(1, a, b) {
			t.Errorf("%s: the hash stayed the same", name)
		}
	}
}

func TestClients(t *testing.T) {
	r, err := Compile("t.yaml", []config.ClientRule{{Client: "b"}, {Client: Unattributed, Name: "x"}, {Client: "a"}, {Client: "b", Name: "y"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Clients(), " "); got != "b a "+Unattributed {
		t.Error(got)
	}
}
