package rollout

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/salvor-io/salvor/policies"
)

// fuse is a context that ends when it is looked at once more than it bears.
type fuse struct {
	context.Context
	cancel context.CancelFunc
	bears  int
}

func newFuse(t *testing.T, bears int) *fuse {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return &fuse{ctx, cancel, bears}
}

func (f *fuse) Err() error {
	if f.bears--; f.bears < 0 {
		f.cancel()
	}
	return f.Context.Err()
}

// TestALookThatIsCutOffIsMadeAgain: wherever a start or an end cuts off what is done about a source, nothing is recorded that is not so, and
// the next look brings into force what the source holds.
func TestALookThatIsCutOffIsMadeAgain(t *testing.T) {
	s, p := newShelf(t), newPen(t, "k1")
	s.data = p.sign(t, denies)
	for name, source := range map[string]func() Source{
		"directory": func() Source { return newDesk(t, denies).source() },
		"bundle":    func() Source { return fetching(t, s, p) },
	} {
		for bears, cut := 0, true; cut; bears++ {
			b := newBooks()
			replica(t, "other", b, newDesk(t, asks).source())
			r := New(Options{Replica: "one", Source: source(), Trail: b, Packs: b, Recorded: b, Tester: OwnTests{}, Changed: func() {}, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
			ctx := newFuse(t, bears)
			for range 2 {
				if err := r.look(ctx); err != nil && !errors.Is(err, errUnsettled) && !errors.Is(err, context.Canceled) {
					t.Fatalf("%s, cut off after %d: %v", name, bears, err)
				}
			}
			cut = ctx.bears < 0
			looks(t, r)
			if got, _ := verdict(t, r); got != policies.Deny || r.Status().Refused != nil || r.Status().Held != nil {
				t.Fatalf("%s, cut off after %d: %s, %+v", name, bears, got, r.Status())
			}
		}
	}
}
