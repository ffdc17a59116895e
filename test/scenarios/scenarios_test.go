package scenarios

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/internal/replay"
)

var update = flag.Bool("update", false, "write what comes of the stories into them")

// TestStories plays each story and wants what it says.
func TestStories(t *testing.T) {
	paths, err := filepath.Glob("*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(path, ".txtar"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			story, got := play(t, path, raw)
			if *update {
				rewrite(t, path, raw, got)
				return
			}
			if diff, err := replay.Differ(string(story.Want), got, "wanted", "got"); err != nil || diff != "" {
				t.Fatalf("%v\n%s", err, diff)
			}
		})
	}
}

func play(t *testing.T, path string, raw []byte) (*replay.File, string) {
	t.Helper()
	story, err := replay.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(story.Comment) == "" || story.Config == nil {
		t.Fatal("a story begins with a comment that says what it is about, and brings a salvor.yaml")
	}
	out, err := story.Play(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return story, out.Text()
}

// rewrite replaces what the story wants, which comes last in it.
func rewrite(t *testing.T, path string, raw []byte, got string) {
	t.Helper()
	before, _, _ := bytes.Cut(raw, []byte("-- want --\n"))
	if err := os.WriteFile(path, append(bytes.Clone(before), "-- want --\n"+got...), 0o644); err != nil {
		t.Fatal(err)
	}
}
