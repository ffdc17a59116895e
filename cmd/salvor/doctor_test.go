package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/internal/doctor"
)

func TestDoctor(t *testing.T) {
	dir := t.TempDir()
	at := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	warned, wrong := at("warned.yaml", "data_dir: data\n"), at("wrong.yaml", "listn: 1\n")

	got := salvor(t.Context(), nil, "doctor", "--config", warned)
	for _, want := range []string{"config\n  ok       loads: " + warned + ": 0 clusters, 0 intakes, 0 people, 0 Alertmanagers\n  warning  worth a look: ",
		"\n           -> list your clusters\nserver\n  ok       runs: no server runs here", "\nstore\n  ok       takes writes: ", "\n5 ok, 1 warnings, 0 problems\n"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("the report lacks %q:\n%s", want, got.out)
		}
	}
	if got.code != exitOK || got.talked != "" {
		t.Errorf("warnings alone: exit %d, said %q", got.code, got.talked)
	}

	got = salvor(t.Context(), nil, "doctor", "--config", wrong, "-o", "json")
	var report doctor.Report
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || report.Problems != 1 || report.Findings[0].State != doctor.Problem {
		t.Errorf("as json: %v, %s", err, got.out)
	}
	if got.code != exitError || got.talked != "" {
		t.Errorf("with a problem: exit %d, said %q", got.code, got.talked)
	}
	if got := salvor(t.Context(), nil, "doctor", "now"); got.code != exitUsage {
		t.Errorf("with an argument: %+v", got)
	}
	if got := salvor(t.Context(), nil, "doctor", "--config", warned, "--without", "velero.restore,nothing"); got.code != exitUsage || !strings.Contains(got.talked, `no responder is named "nothing"`) {
		t.Errorf("without a responder that there is not: %+v", got)
	}
}

// TestDoctorIsHarmlessToATerminal holds that what others wrote does not write to the terminal.
func TestDoctorIsHarmlessToATerminal(t *testing.T) {
	var out strings.Builder
	bad := "\x1b[2J\nok"
	if err := writeReport(&out, doctor.Report{Findings: []doctor.Finding{{Part: bad, Check: "reach", State: doctor.Problem, Found: bad, Do: bad}}}); err != nil {
		t.Fatal(err)
	}
	if want := `\x1b[2J\nok` + "\n  problem  reach: " + `\x1b[2J\nok` + "\n           -> " + `\x1b[2J\nok` + "\n0 ok, 0 warnings, 0 problems\n"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}
