package doctor

import (
	"context"
	"log/slog"

	"github.com/salvor-io/salvor/internal/chat/all"
)

// chat tries each channel that incidents are shown in. Nothing is posted.
func (e *exam) chat(ctx context.Context) []Finding {
	s := &sheet{part: "chat"}
	chats, err := all.Open(e.cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		s.problem("channels", "correct chat in salvor.yaml", "they cannot be opened: %v", err)
		return s.findings
	}
	chats.Check(ctx, func(channel string, err error) {
		if err != nil {
			s.problem(channel, "until then people hear of incidents from alerts, the command line and other channels alone", "it cannot be reached: %v", err)
			return
		}
		s.ok(channel, "it can be reached")
	})
	return s.findings
}
