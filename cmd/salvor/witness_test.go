package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/internal/config"
)

// TestHelpShowsAWitnessThatWorks holds that both files of the help are read, and name all that there is.
func TestHelpShowsAWitnessThatWorks(t *testing.T) {
	help := salvor(t.Context(), nil, "witness", "--help").out
	_, rest, _ := strings.Cut(help, "Its file:\n")
	file, rest, _ := strings.Cut(rest, "And in salvor.yaml:\n")
	intakes, _, _ := strings.Cut(rest, "Usage:")
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, name := range regexp.MustCompile(`[a-z-]+\.(crt|key|token)`).FindAllString(help, -1) {
		write(name, "secret")
	}
	w, err := config.LoadWitness(write("witness.yaml", file))
	if err != nil || len(w.Warnings) > 0 || w.Salvor.TokenFile == "" || w.Clusters[0].TokenFile == "" || len(w.Clusters[0].Etcd.Endpoints) != 3 {
		t.Fatalf("the file of the help is %+v, %v", w, err)
	}
	cfg, err := config.Load(write("salvor.yaml", "  clusters: [{name: prod-eu, observe: {in_cluster: true}}]\n"+intakes))
	if err != nil || cfg.Intakes[0].Witness != w.Name {
		t.Errorf("the intake of the help is %+v, %v", cfg, err)
	}
}
