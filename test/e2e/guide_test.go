package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// TestGuideForAuthors follows the first hour of policies/README.md word by word: what it says to type is typed, and what it says is printed
// has to be. Names, revisions, digests and times stand for those that come; a line of "..." for any lines, and one at the end of a line
// for the rest of it.
func TestGuideForAuthors(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the real stack")
	}
	t.Parallel()
	text, err := os.ReadFile("../../policies/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, hour, _ := strings.Cut(string(text), "## The first hour\n")
	hour, _, _ = strings.Cut(hour, "\n## ")
	r, err := rig.Start(t.Context(), rig.Options{Log: os.Stderr, Stack: stack.Options{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	f := &follower{t: t, rig: r, shell: newShell(t, r), known: map[string]string{}}
	for _, block := range regexp.MustCompile("(?s)```(sh|console)\n(.*?)```").FindAllStringSubmatch(hour, -1) {
		if block[1] == "sh" {
			f.script(block[2])
		} else {
			f.console(block[2])
		}
		if t.Failed() {
			f.lastWords()
			return
		}
	}
}

// shell is one bash that lives as long as the test.
type shell struct {
	in  io.Writer
	out *bufio.Reader
	dir string
}

func newShell(t *testing.T, r *rig.Rig) *shell {
	t.Helper()
	s := &shell{dir: t.TempDir()}
	bin := filepath.Join(s.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(r.Binary(), filepath.Join(bin, "salvor")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash")
	cmd.Dir = filepath.Join(s.dir)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "KUBE="+r.Stack.Kubeconfig(stack.Admin))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // the server, too
		_ = in.Close()
		_ = cmd.Wait()
	})
	s.in, s.out = in, bufio.NewReader(out)
	return s
}

// ended marks the end of what a command prints.
const ended = "-- ended with "

// run types a command, and returns what it prints on either output. $? is that of the command afterwards.
func (s *shell) run(command string) (string, error) {
	if _, err := fmt.Fprintf(s.in, "%s\ncode=$?; echo; echo '%s'$code; (exit $code)\n", command, ended); err != nil {
		return "", err
	}
	var text strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			return text.String(), err
		}
		if strings.HasPrefix(line, ended) {
			return strings.TrimRight(text.String(), "\n"), nil
		}
		text.WriteString(line)
	}
}

// follower types what the guide says, and looks at what is printed.
type follower struct {
	t     *testing.T
	rig   *rig.Rig
	shell *shell
	known map[string]string // what stands in the guide for what came

	watched bool // all nodes were seen well
}

// script types the lines of a block that prints nothing worth a look.
func (f *follower) script(text string) {
	f.t.Helper()
	if _, err := f.shell.run(typed(text, f.rig.Address)); err != nil {
		f.t.Fatal(err)
	}
}

// typed is a block with what this test does instead: its cluster is another, and the usual port may be taken.
func typed(text, address string) string {
	text = regexp.MustCompile(`(?m)^(make build stack-up|export ROOT=|export KUBE=|mkdir -p /tmp/lab).*\n`).ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "; (cd $ROOT && make stack-down)", "; wait")
	const policy = "policies: {dir: policies, shadow: next}\n"
	return strings.ReplaceAll(text, policy, policy+"listen: {address: "+address+"}\n")
}

// console types each command of a block, and holds what it prints against what follows.
func (f *follower) console(text string) {
	f.t.Helper()
	parts := regexp.MustCompile(`(?m)^\$ `).Split(text, -1)
	for _, part := range parts[1:] {
		command, want, _ := strings.Cut(part, "\n")
		f.one(command, strings.TrimRight(want, "\n"))
		if f.t.Failed() {
			return
		}
	}
}

var fails = regexp.MustCompile(`stack/cmd/stack fail (\S+)\)`)

func (f *follower) one(command, want string) {
	f.t.Helper()
	if node := fails.FindStringSubmatch(command); node != nil {
		f.seen()
		if err := f.rig.Stack.FailNode(f.t.Context(), node[1]); err != nil {
			f.t.Fatal(err)
		}
		return
	}
	for in, out := range f.known {
		command = strings.ReplaceAll(command, in, out)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	defer cancel()
	for {
		got, err := f.shell.run(command)
		if err != nil {
			f.t.Fatalf("%s: %v\n%s", command, err, got)
		}
		pattern := f.pattern(want)
		if found := pattern.FindStringSubmatch(got + "\n"); found != nil {
			f.learn(pattern, found)
			return
		}
		if !f.patient(command) || ctx.Err() != nil {
			f.t.Errorf("$ %s\nprinted\n%s\nthe guide says\n%s", command, got, want)
			return
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// seen waits until the server has seen the first node to be lost well: one that is lost before is of another time.
func (f *follower) seen() {
	f.t.Helper()
	if f.watched {
		return
	}
	f.watched = true
	err := rig.Wait(f.t.Context(), time.Minute, "all nodes are seen well", func(ctx context.Context) (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.rig.Address+"/metrics", nil)
		if err != nil {
			return false, err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil // it is not up yet
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return strings.Contains(string(text), `salvor_nodes{cluster="lab",state="well"} 6`), err
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// patient says whether a command only looks, so that it may be typed again until what the guide shows has come.
func (f *follower) patient(command string) bool {
	return regexp.MustCompile(`^salvor (incidents|policy status|decisions|policy replay|audit)`).MatchString(command)
}

// varies are what is another each time.
var varies = regexp.MustCompile(`inc-[a-z0-9]{4}/[0-9a-f]{16}|inc-[a-z0-9]{4}|\b[0-9a-f]{12}\b|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)

// pattern is what the guide says as an expression. What has a name in the guide that is known is that; else it is learnt.
func (f *follower) pattern(want string) *regexp.Regexp {
	var out strings.Builder
	out.WriteString(`(?s)^\s*`)
	seen := map[string]bool{}
	for _, line := range strings.Split(want, "\n") {
		line = strings.TrimSpace(line)
		if line == "..." {
			out.WriteString(`(?:[^\n]*\n)*?`)
			continue
		}
		line, open := strings.CutSuffix(line, "...")
		last := 0
		out.WriteString(`[ \t]*`)
		for _, at := range varies.FindAllStringIndex(line, -1) {
			out.WriteString(spaced(line[last:at[0]]))
			f.variable(&out, line[at[0]:at[1]], seen)
			last = at[1]
		}
		out.WriteString(spaced(line[last:]))
		if open {
			out.WriteString(`[^\n]*`)
		}
		out.WriteString(`[ \t]*\n`)
	}
	return regexp.MustCompile(out.String() + `\s*$`)
}

// variable writes the expression for something that varies.
func (f *follower) variable(out *strings.Builder, text string, seen map[string]bool) {
	name := "v" + regexp.MustCompile(`\W`).ReplaceAllString(text, "_")
	switch real, known := f.known[text]; {
	case known:
		out.WriteString(regexp.QuoteMeta(real))
	case seen[name] || strings.Contains(text, " "):
		out.WriteString(`\S+(?: \d\d:\d\d:\d\d)?`)
	default:
		seen[name] = true
		fmt.Fprintf(out, `(?P<%s>[-\w/]+)`, name)
	}
}

// spaced quotes a text in which any room between words is room: columns are as wide as what is in them. The lines of shipped rules move.
func spaced(text string) string {
	text = regexp.MustCompile(`(?:\\? )+`).ReplaceAllString(regexp.QuoteMeta(text), `\s+`)
	return regexp.MustCompile(`(\\.rego:)\d+`).ReplaceAllString(text, `$1\d+`)
}

// learn notes what came for what stands in the guide.
func (f *follower) learn(pattern *regexp.Regexp, found []string) {
	for i, name := range pattern.SubexpNames() {
		if name, ok := strings.CutPrefix(name, "v"); ok && i > 0 {
			f.known[strings.Replace(name, "inc_", "inc-", 1)] = found[i]
		}
	}
}

// lastWords shows what the server logged, and how policy stands.
func (f *follower) lastWords() {
	for _, command := range []string{"salvor policy status", "tail -n 30 serve.log | cut -c1-300"} {
		if text, err := f.shell.run(command); err == nil {
			f.t.Log(text)
		}
	}
}
