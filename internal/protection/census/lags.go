package census

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/responders/serving"
)

// Metrics answers queries over metrics.
type Metrics interface {
	Query(ctx context.Context, query string) (serving.Answer, error)
}

// ask asks how old what is kept is, one query after the other.
func (t *taking) ask(ctx context.Context, opt Options) {
	if opt.Metrics == nil {
		return
	}
	for name, query := range opt.Queries {
		answer, err := opt.Metrics.Query(ctx, query)
		lag := protection.Lag{}
		if err != nil {
			lag.Why = err.Error()
		} else {
			lag = lagOf(answer, opt.Now)
		}
		t.census.Lags[name] = lag
	}
}

func lagOf(answer serving.Answer, now time.Time) protection.Lag {
	late, why := behind(answer)
	if why != "" {
		return protection.Lag{Why: why}
	}
	return protection.Lag{Held: now.Add(-late)}
}

// longest is more than any lag that is believed.
const longest = 100 * 365 * 24 * time.Hour

// behind is the largest number of an answer, as seconds. No number, a part of them, and one that can be no time are no answer.
func behind(answer serving.Answer) (time.Duration, string) {
	if len(answer.Samples) == 0 {
		return 0, "it comes to nothing"
	}
	if len(answer.Warnings) > 0 {
		return 0, fmt.Sprintf("Prometheus warns that part of it may be missing: %q", answer.Warnings[0])
	}
	most := math.Inf(-1)
	for _, s := range answer.Samples {
		if math.IsNaN(s.Value) || s.Value < 0 || s.Value > longest.Seconds() {
			return 0, fmt.Sprintf("it comes to %v, and that is no number of seconds", s.Value)
		}
		most = max(most, s.Value)
	}
	return time.Duration(most * float64(time.Second)), ""
}
