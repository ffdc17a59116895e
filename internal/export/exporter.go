package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/replay"
)

// remembered is how long before the span incidents may have ended that count: policy hears how many there were within a day.
const remembered = 24 * time.Hour

// Log is what is read of the log of events, see [events.Log].
type Log interface {
	Follow(ctx context.Context, after uint64, fold func(events.Recorded) error, caughtUp func()) error
}

// Past are the incidents that live or ended after a time, archived or not, the oldest first.
type Past interface {
	Since(ctx context.Context, t time.Time) ([]incident.Incident, error)
}

// Decisions reads what policy was asked and answered. What is not kept any more is Options.Missing.
type Decisions interface {
	ReadDecision(ctx context.Context, ref string) (json.RawMessage, error)
}

// Rules are those that people wrote, of the policy in force; nil when there are none beside the shipped ones.
type Rules interface {
	Written(ctx context.Context) (fs.FS, error)
}

// ShippedAlone are the Rules where nobody wrote any.
type ShippedAlone struct{}

// Written implements Rules.
func (ShippedAlone) Written(context.Context) (fs.FS, error) { return nil, nil }

// Options are the parts of an exporter. All are needed.
type Options struct {
	Log       Log
	Past      Past
	Decisions Decisions
	Missing   error
	Config    *config.Config
	Rules     Rules
	Version   string
	Clock     func() time.Time
}

// Exporter writes what was recorded. It is safe for concurrent use, and reads everything through readers of its own.
type Exporter struct{ Options }

// New makes an exporter.
func New(opt Options) *Exporter { return &Exporter{opt} }

// Export writes what was recorded in a span. It reads the log twice: first to know what is not kept any more. An *api.Refusal comes
// before anything is written.
func (e *Exporter) Export(ctx context.Context, w io.Writer, from, to time.Time) error {
	incidents, err := e.Past.Since(ctx, from.Add(-remembered))
	if err != nil {
		return fmt.Errorf("read the incidents: %w", err)
	}
	records, err := histories(incidents, to)
	if err != nil {
		return err
	}
	asked, err := e.asked(ctx, incidents, to)
	if err != nil {
		return err
	}
	known, err := e.survey(ctx, marks(incidents, to), from, to)
	if err != nil {
		return err
	}
	out := replay.NewWriter(w, e.comment(known, from, to))
	if err := e.judges(ctx, out); err != nil {
		return err
	}
	out.Span(from, to)
	out.Incidents(records)
	out.Asked(asked)
	if err := e.events(ctx, out, known, marks(incidents, to), from, to); err != nil {
		return err
	}
	return out.Flush()
}

// judges writes what judges.
func (e *Exporter) judges(ctx context.Context, out *replay.Writer) error {
	text, err := Config(e.Config)
	if err != nil {
		return err
	}
	written, err := e.Rules.Written(ctx)
	if err != nil {
		return fmt.Errorf("read the policy in force: %w", err)
	}
	rules, err := folder(written, ".rego", ".yaml", ".yml", ".json")
	if err != nil {
		return fmt.Errorf("read the policy in force: %w", err)
	}
	runbooks, err := directory(e.Config.Runbooks.Dir, ".yaml", ".yml")
	if err != nil {
		return err
	}
	out.Config(text)
	for _, p := range rules {
		out.Policy(p.name, p.text)
	}
	for _, p := range runbooks {
		out.Runbook(p.name, p.text)
	}
	return out.Err()
}

// histories renders the records that were made until a time.
func histories(incidents []incident.Incident, to time.Time) ([]byte, error) {
	var out []byte
	for _, inc := range incidents {
		for _, rec := range inc.History {
			if rec.At.After(to) {
				break
			}
			line, err := replay.IncidentLine(rec)
			if err != nil {
				return nil, err
			}
			if out = append(out, line...); len(out) > replay.MaxSection {
				return nil, tooMuch("histories of incidents")
			}
		}
	}
	return out, nil
}

// asked renders what policy was asked about the incidents until a time, as far as that is kept.
func (e *Exporter) asked(ctx context.Context, incidents []incident.Incident, to time.Time) ([]byte, error) {
	var out []byte
	seen := map[string]bool{}
	for _, inc := range incidents {
		for _, rec := range inc.History {
			if rec.At.After(to) {
				break
			}
			for _, named := range rec.Documents() {
				if seen[named.Ref] {
					continue
				}
				seen[named.Ref] = true
				var err error
				if out, err = e.addAsked(ctx, out, named.Ref); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// addAsked adds one document, as far as it is kept.
func (e *Exporter) addAsked(ctx context.Context, out []byte, ref string) ([]byte, error) {
	doc, err := e.Decisions.ReadDecision(ctx, ref)
	if errors.Is(err, e.Missing) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	line, err := replay.AskedLine(ref, doc)
	if err != nil {
		return nil, err
	}
	if out = append(out, line...); len(out) > replay.MaxSection {
		return nil, tooMuch("questions to policy")
	}
	return out, nil
}

func tooMuch(of string) error {
	return &api.Refusal{Status: http.StatusRequestEntityTooLarge, What: "export", Why: fmt.Sprintf("the %s of this span are larger than %d bytes", of, replay.MaxSection),
		Do: "ask for a shorter span"}
}

// known is what a survey of the log has found.
type known struct {
	count   filler // only counts
	senders senders
	late    time.Duration // how long after its second a tick is recorded
}

// survey reads all of the log and gives nothing.
func (e *Exporter) survey(ctx context.Context, at []place, from, to time.Time) (*known, error) {
	k := &known{senders: senders{}, late: -1}
	k.count = filler{give: func(events.Recorded) error { return nil }, from: from, marks: at}
	ended := false
	err := e.read(ctx, func(ev events.Recorded) error {
		k.senders.hear(ev)
		if ev.Type == events.TypeTick && k.late < 0 {
			k.late = ev.At.Sub(ev.At.Truncate(time.Second))
		}
		if ended {
			return nil
		}
		err := k.count.upTo(to, ev)
		if ended = errors.Is(err, errEnd); ended {
			err = nil
		}
		return err
	})
	k.late = max(0, k.late)
	return k, err
}

func (e *Exporter) events(ctx context.Context, out *replay.Writer, k *known, at []place, from, to time.Time) error {
	f := &filler{from: from, late: k.late, marks: at, again: k.senders.lost(), gaps: k.senders.gaps(), nodes: k.senders.nodes(), give: func(ev events.Recorded) error {
		out.Event(ev)
		return out.Err()
	}}
	return e.read(ctx, func(ev events.Recorded) error { return f.upTo(to, ev) })
}

// read gives all events that are in the log now, to the end or until errEnd.
func (e *Exporter) read(ctx context.Context, give func(events.Recorded) error) error {
	following, stop := context.WithCancel(ctx)
	defer stop()
	err := e.Log.Follow(following, 0, give, stop)
	if errors.Is(err, errEnd) {
		err = nil
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("read the log of events: %w", err)
	}
	return nil
}

// comment says what the file is, and what it is not.
func (e *Exporter) comment(k *known, from, to time.Time) string {
	const form = "2006-01-02 15:04:05 MST"
	var b strings.Builder
	fmt.Fprintf(&b, "What Salvor %s recorded from %s to %s, exported at %s.\n", e.Version, from.UTC().Format(form), to.UTC().Format(form), e.Clock().UTC().Format(form))
	fmt.Fprintf(&b, "See what it makes of that now: salvor replay FILE. What another configuration would: salvor replay FILE --config salvor.yaml\n\n")
	if k.count.missing == 0 {
		fmt.Fprintf(&b, "All %d events of the span are here.\n", k.count.kept)
		return b.String()
	}
	fmt.Fprintf(&b, "%d events of the span are here. %d are not kept any more, since the log keeps the last %d of each object. Ticks were up to %d of\n", k.count.kept, k.count.missing, keptOfEach, k.count.ticks)
	fmt.Fprintf(&b, "them, and are made up: one a second. Of %d others nothing is known, most of which repeated how things were: what is kept of those who\n", k.count.missing-min(k.count.missing, uint64(k.count.ticks)))
	fmt.Fprintf(&b, "do is repeated in their place. Of %d watchers, probers and dead man's switches not all is kept that was new: they are taken to have\n", len(k.senders.lost()))
	fmt.Fprintf(&b, "said what they repeat, or else that all is well, until the first that is kept of them; and %d nodes that changed often to have been well.\n", len(k.senders.nodes()))
	fmt.Fprintf(&b, "Where that was not so, and where other objects changed often, a judgement comes out differently for that.\n")
	return b.String()
}
