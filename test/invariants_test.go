// Package test_test holds what ARCHITECTURE.md and INVARIANTS.md say of tests and files to what is there.
package test_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the top of the repository.
const root = ".."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNamedTestsExist: each test stands behind the package that it is in, and each invariant has a test or a package of tests.
func TestNamedTestsExist(t *testing.T) {
	for path, least := range map[string]int{"ARCHITECTURE.md": 20, "test/INVARIANTS.md": 50} {
		rows, wrong := judge(read(t, path))
		if rows < least {
			t.Errorf("%s has %d invariants, at least %d are wanted: is its table read?", path, rows, least)
		}
		for _, what := range wrong {
			t.Errorf("%s: %s", path, what)
		}
	}
}

// TestLinksLeadSomewhere: each link to a file leads to one.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`)
	for _, path := range []string{"ARCHITECTURE.md", "test/INVARIANTS.md", "test/sim/README.md"} {
		links := link.FindAllStringSubmatch(read(t, path), -1)
		if len(links) == 0 {
			t.Errorf("%s has no links: are they read?", path)
		}
		for _, to := range links {
			file := filepath.Join(root, filepath.Dir(path), to[1])
			if _, err := os.Stat(file); err != nil && !strings.Contains(to[1], "://") {
				t.Errorf("%s leads to %s, which is not there", path, to[1])
			}
		}
	}
}

// judge counts the invariants of a document and says which lines name what is not there.
func judge(text string) (rows int, wrong []string) {
	tabled := false
	for line := range strings.Lines(text) {
		tabled = tabled && strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| what must never happen |")
		row := tabled && strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| what must never happen |") && !strings.HasPrefix(line, "| ---")
		if row {
			rows++
		}
		for _, what := range judgeLine(line, row) {
			wrong = append(wrong, fmt.Sprintf("%s: %.60s", what, strings.TrimSpace(line)))
		}
	}
	return rows, wrong
}

// judgeLine says what is wrong with the tests that a line names. A row of an invariant names packages, their tests, and stories, and
// nothing else.
func judgeLine(line string, row bool) (wrong []string) {
	test := regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z]`)
	at := ""
	for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line, -1) {
		name := quoted[1]
		switch {
		case test.MatchString(name):
			if at == "" || !hasTest(at, name) {
				wrong = append(wrong, fmt.Sprintf("package %q has no test %s", at, name))
			}
		case isPackage(name):
			at = name
		case row && !isStory(at, name):
			wrong = append(wrong, fmt.Sprintf("%s is neither a package, nor a test, nor a story", name))
		}
	}
	if row && at == "" {
		wrong = append(wrong, "no test holds it")
	}
	return wrong
}

func isPackage(path string) bool {
	files, err := filepath.Glob(filepath.Join(root, path, "*.go"))
	return err == nil && len(files) > 0
}

func isStory(at, name string) bool {
	_, err := os.Stat(filepath.Join(root, at, name+".txtar"))
	return err == nil
}

// hasTest says whether a file of the package's tests has the function.
func hasTest(path, name string) bool {
	files, _ := filepath.Glob(filepath.Join(root, path, "*_test.go"))
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Contains("\n"+string(text), "\nfunc "+name+"(")
	})
}

// TestWhatIsNotThereIsSeen: a document that names what is not there does not pass.
func TestWhatIsNotThereIsSeen(t *testing.T) {
	const head = "| what must never happen | test |\n| --- | --- |\n"
	for _, c := range []struct {
		name, text string
		rows       int
		wrong      int
	}{
		{"a test of its package", head + "| a | `test`: `TestNamedTestsExist` |\n", 1, 0},
		{"a story", head + "| a | `test/scenarios`: `node-dies` |\n", 1, 0},
		{"a package of tests", head + "| a | `test/sim` |\n", 1, 0},
		{"a test that there is not", head + "| a | `test`: `TestNothing` |\n", 1, 1},
		{"a test of another package", head + "| a | `test/sim`: `TestNamedTestsExist` |\n", 1, 1},
		{"the begin of a name", head + "| a | `test`: `TestNamed` |\n", 1, 1},
		{"a test without a package", "since `TestNamedTestsExist` holds it\n", 0, 1},
		{"a package that there is not", head + "| a | `test/nowhere`: `TestNamedTestsExist` |\n", 1, 3},
		{"a story that there is not", head + "| a | `test/scenarios`: `nobody-dies` |\n", 1, 1},
		{"no test", head + "| a | by care |\n", 1, 1},
		{"another table", "| word | meaning |\n| --- | --- |\n| a | `b` |\n", 0, 0},
		{"a list after the table", head + "| a | `test/sim` |\n\n- an `act`\n", 1, 0},
	} {
		rows, wrong := judge(c.text)
		if diff := cmp.Diff([2]int{c.rows, c.wrong}, [2]int{rows, len(wrong)}); diff != "" {
			t.Errorf("%s: %s %q", c.name, diff, wrong)
		}
	}
}
