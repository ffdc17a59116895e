package memory_test

import (
	"os"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events/eventstest"
	"github.com/salvor-io/salvor/events/memory"
)

func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }

func TestLog(t *testing.T) {
	eventstest.Run(t, func(t *testing.T) *eventstest.Store {
		log := memory.New(time.Now)
		t.Cleanup(func() { log.Close() })
		return &eventstest.Store{
			Log: log,
			Dead: func(*testing.T) []eventstest.Letter {
				var out []eventstest.Letter
				for _, l := range log.Letters() {
					out = append(out, eventstest.Letter{Subject: l.Subject, Reason: l.Reason, Data: string(l.Data)})
				}
				return out
			},
			Close: func(*testing.T) { log.Close() },
		}
	})
}
