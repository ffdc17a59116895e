package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGoalMet(t *testing.T) {
	for _, c := range []struct {
		name  string
		goal  goal
		value float64
		want  string
	}{
		{"at most, below", atMost(1.5), 1.4, "yes"},
		{"at most, reached exactly", atMost(1.5), 1.5, "yes"},
		{"at most, above", atMost(1.5), 1.51, "MISSED"},
		{"at least, above", atLeast(2.5), 3, "yes"},
		{"at least, reached exactly", atLeast(2.5), 2.5, "yes"},
		{"at least, below", atLeast(2.5), 2.4, "MISSED"},
		{"no goal", lower(), 1, "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			printed := newRow("a_name", "ms", c.goal, figure{value: c.value, n: 3}, "with itself").String()
			fields := strings.Fields(strings.NewReplacer(">= ", "", "<= ", "").Replace(printed))
			if fields[4] != c.want {
				t.Errorf("printed %q, want %s", printed, c.want)
			}
		})
	}
}

func TestNoGoalIsReachedByLosingEvents(t *testing.T) {
	fast := newRow("a_name", "ratio", atLeast(3), figure{value: 9}, "")
	if kept := fast.butLost(0); !*kept.Met {
		t.Error("nothing was lost, and the goal counts as missed")
	}
	if lossy := fast.butLost(1); *lossy.Met {
		t.Error("an event was lost, and the goal counts as met")
	}
	if !*fast.Met {
		t.Error("the row it was made from changed")
	}
}

func TestWrittenFigures(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench.json")
	rows := []row{
		newRow("a", "ratio", atMost(1.5), figure{1.2, 5, 1, 1.3}, "not written"),
		newRow("b", "s", lower(), figure{40, 5, 39, 41}, "not written"),
	}
	if err := write(path, rows); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"name": "a", "value": 1.2, "unit": "ratio", "goal": 1.5, "better": "lower", "met": true, "n": 5.0, "min": 1.0, "max": 1.3},
		{"name": "b", "value": 40.0, "unit": "s", "goal": nil, "better": "lower", "met": nil, "n": 5.0, "min": 39.0, "max": 41.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoFiguresAreAnEmptyList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench.json")
	if err := write(path, nil); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(path); strings.TrimSpace(string(data)) != "[]" {
		t.Errorf("wrote %s", data)
	}
}

func TestChoose(t *testing.T) {
	all, err := choose("")
	if err != nil || len(all) != len(benchmarks()) {
		t.Errorf("without a name: %d benchmarks, %v", len(all), err)
	}
	one, err := choose("idle_rss_mib")
	if err != nil || len(one) != 1 || one[0].rows[0] != "cold_start_ms" {
		t.Errorf("idle_rss_mib: %v, %v", one, err)
	}
	if _, err := choose("speed"); err == nil || !strings.Contains(err.Error(), "intake_ratio") {
		t.Errorf("an unknown name: %v, want an error that lists the names", err)
	}
}
