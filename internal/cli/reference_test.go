package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/commands.md anew")

// TestCommandPage holds docs/commands.md against the commands' own help: go test
// ./internal/cli -update writes it anew.
func TestCommandPage(t *testing.T) {
	want := commandPage()
	path := filepath.Join("..", "..", "docs", "commands.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/commands.md is not what the commands say (%v): run go test ./internal/cli -update", err)
	}
}

func commandPage() string {
	var b strings.Builder
	root := New(Env{})
	b.WriteString("# Commands\n\n<!-- Generated from the commands by the test of internal/cli; run make docs. -->\n\n")
	b.WriteString(root.Long + "\n\n## Flags of every command\n\n")
	writeFlags(&b, root.PersistentFlags())
	for _, c := range root.Commands() {
		writeCommand(&b, c)
	}
	return b.String()
}

// writeCommand writes one command and those below it. A group has no section of
// its own.
func writeCommand(b *strings.Builder, c *cobra.Command) {
	if !c.HasSubCommands() || c.HasLocalFlags() {
		fmt.Fprintf(b, "\n## `%s`\n\n%s.\n", strings.TrimSuffix(c.UseLine(), " [flags]"), c.Short)
		if c.Long != "" {
			b.WriteString("\n" + c.Long + "\n")
		}
		if c.HasLocalFlags() {
			b.WriteString("\n")
			writeFlags(b, c.LocalNonPersistentFlags())
		}
		if c.Example != "" {
			b.WriteString("\n```sh\n" + unindent(c.Example) + "\n```\n")
		}
	}
	for _, sub := range c.Commands() {
		writeCommand(b, sub)
	}
}

func unindent(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, "  "), "\n  ", "\n")
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| flag | meaning |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		name, text := pflag.UnquoteUsage(f)
		if name != "" {
			name = " " + name
		}
		if f.Shorthand != "" {
			name += "`, `-" + f.Shorthand
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "| `--%s%s` | %s |\n", f.Name, name, text)
	})
}
