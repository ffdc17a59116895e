// Package scene reads a scene: what happens to a fleet, written down line by line as a person would tell it, and makes of it the
// events that Salvor's sources would have recorded. Time is that of the scene.
//
// A line is a time that passes, or something that is seen, or something that happens to Salvor or its world:
//
//	cluster prod                        the cluster that the lines below are about; its watches see from now on
//	node a-1..a-5 zone=eu-1a            five nodes, ready, with Leases that are renewed
//	+60s                                time passes: ticks, observers and probers go on by themselves
//	lease a-1 stale                     an event about an entity, with what is new about it
//	node a-1 ready.status=Unknown       fields are those of package events, dots reach inside
//	alert KubeNodeUnreachable node=a-1  fires; "resolved" ends it
//	crash                               an order: the replica dies and starts again
//
// The README beside the stories lists all words.
package scene

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// Step is one thing that happens at a time: an event that is recorded, or an order.
type Step struct {
	At    time.Time
	Event *events.Event
	Order Order
}

// Order is something that happens to Salvor or its world: a word and what it is about. The zero value is none.
type Order struct {
	Word string
	Args []string
	Set  map[string]string
}

// begins is when a scene begins that does not say so.
var begins = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// The bounds of a scene: the time that passes, and what happens in it, all of which is held.
const (
	most      = 31 * 24 * time.Hour
	mostSteps = 500_000
)

// Parse reads a scene. The error names the line.
func Parse(text []byte) ([]Step, error) {
	s := newStage()
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, events.MaxData)
	for n := 1; lines.Scan(); n++ {
		words, err := split(lines.Text())
		if err == nil && len(words) > 0 {
			err = s.read(line{n, words})
		}
		if err != nil {
			return nil, fmt.Errorf("scene line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("scene: %w", err)
	}
	if s.block != nil {
		return nil, fmt.Errorf("scene line %d: repeat has no end", s.block.line)
	}
	return s.steps, nil
}

// split cuts a line into words, up to one that begins with "#".
func split(text string) ([]string, error) {
	var words []string
	for text = strings.TrimLeft(text, blanks); text != "" && text[0] != '#'; text = strings.TrimLeft(text, blanks) {
		word, rest, err := cutWord(text)
		if err != nil {
			return nil, err
		}
		words, text = append(words, word), rest
	}
	return words, nil
}

const blanks = " \t\r"

// cutWord cuts the first word off a line. Double quotes hold it together, or what stands behind its first "=", with escapes as in Go;
// elsewhere they hold together too, and are part of the word, as in JSON.
func cutWord(text string) (word, rest string, err error) {
	for text != "" && !strings.ContainsRune(blanks, rune(text[0])) {
		if text[0] != '"' {
			word, text = word+text[:1], text[1:]
			continue
		}
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return "", "", fmt.Errorf("a quote is not closed, or holds an escape that Go does not know: %s", text)
		}
		text = text[len(quoted):]
		if word == "" || strings.Index(word, "=") == len(word)-1 {
			if quoted, err = strconv.Unquote(quoted); err != nil {
				return "", "", fmt.Errorf("read a quote: %w", err)
			}
		}
		word += quoted
	}
	return word, text, nil
}

// stage is what is known of the scene while it is read.
type stage struct {
	steps   []Step
	began   time.Time
	now     time.Time
	cluster string
	version int                       // last resource version
	known   map[string]map[string]any // what was last said of an entity, by cluster, type and entity
	firing  map[string]time.Time      // since when alerts fire, by cluster and fingerprint
	repeats []*repeat
	block   *block // lines that are to be played more than once, as far as they were read
}

func newStage() *stage {
	return &stage{began: begins, now: begins, known: map[string]map[string]any{}, firing: map[string]time.Time{}}
}

// play takes one line.
func (s *stage) play(words []string) error {
	verb, rest := words[0], words[1:]
	switch {
	case strings.HasPrefix(verb, "+"):
		return s.pass(verb)
	case verb == "start":
		return s.start(rest)
	case verb == "cluster":
		return s.enter(rest)
	case verb == "again":
		return s.again(rest)
	}
	if of, ok := kinds[verb]; ok {
		return s.see(verb, of, rest)
	}
	if turn, ok := repeating[verb]; ok {
		return turn(s, rest)
	}
	if needs, ok := orders[verb]; ok {
		return s.order(verb, needs, rest)
	}
	return fmt.Errorf("%q is no word of a scene", verb)
}

// start sets when the scene begins.
func (s *stage) start(words []string) error {
	if len(words) != 1 || len(s.steps) > 0 {
		return fmt.Errorf("start takes one time, and comes first")
	}
	at, err := time.Parse(time.RFC3339, words[0])
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	s.began, s.now = at.UTC(), at.UTC()
	return nil
}

// orders are the words for what happens to Salvor or its world, each with how many arguments it takes at least.
var orders = map[string]int{
	"crash": 0, "pause": 0, "resume": 0, "fails": 1, "works": 1, "takes": 2, "repairer": 1, "repairers": 1,
}

func (s *stage) order(verb string, needs int, words []string) error {
	o := Order{Word: verb, Set: map[string]string{}}
	for _, w := range words {
		if key, value, ok := strings.Cut(w, "="); ok {
			o.Set[key] = value
			continue
		}
		o.Args = append(o.Args, w)
	}
	if len(o.Args) < needs {
		return fmt.Errorf("%s: it does not say of what", verb)
	}
	if verb == "crash" { // before the next life judges: that is how a replica begins
		if err := s.blink(); err != nil {
			return err
		}
	}
	s.steps = append(s.steps, Step{At: s.now, Order: o})
	return nil
}

// again records the last events again, as a sender does that had no answer: with the same ids.
func (s *stage) again(words []string) error {
	n := 1
	if len(words) > 0 {
		if _, err := fmt.Sscanf(words[0], "%d", &n); err != nil {
			return fmt.Errorf("again: %q is no number", words[0])
		}
	}
	var last []Step
	for i := len(s.steps) - 1; i >= 0 && len(last) < n; i-- {
		if ev := s.steps[i].Event; ev != nil && ev.Type != events.TypeTick && ev.Type != events.TypeObserver {
			last = append([]Step{s.steps[i]}, last...)
		}
	}
	for _, step := range last {
		if err := s.happens(*step.Event); err != nil {
			return err
		}
	}
	return nil
}
