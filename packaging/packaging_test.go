package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnits has systemd itself read the units, where it is installed.
func TestUnits(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	dir := t.TempDir()
	here, err := os.Executable() // in place of the program that is not installed here
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"trailhouse.service": Service, "trailhouse.timer": Timer, "trailhouse-agent.service": AgentService} {
		text = strings.ReplaceAll(text, "/usr/local/bin/trailhouse", here)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"trailhouse.service", "trailhouse.timer", "trailhouse-agent.service"} {
		said, err := exec.Command(program, "verify", "--man=no", filepath.Join(dir, name)).CombinedOutput()
		if err != nil || strings.Contains(string(said), name) {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
	broken := strings.Replace(AgentService, "Type=exec", "Type=nothing", 1)
	if err := os.WriteFile(filepath.Join(dir, "broken.service"), []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(program, "verify", "--man=no", filepath.Join(dir, "broken.service")).CombinedOutput()
	if err == nil && !strings.Contains(string(said), "broken.service") {
		t.Error("systemd takes everything")
	}
}
