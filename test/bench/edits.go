package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/chat"
	"github.com/salvor-io/salvor/internal/chat/slack"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
	pages "github.com/salvor-io/salvor/test/house"
	"github.com/salvor-io/salvor/test/slackd"
)

const (
	editEvents = 1000
	editEvery  = 20 * time.Millisecond // 50 a second
	editSettle = 10 * time.Second      // for the last event to be shown
	editBot    = "xoxb-bench"
)

// places keeps where messages are, for one replica.
type places struct{ kept sync.Map }

// ChatPlace implements chat.Ledger: whoever begins knows of no message.
func (*places) ChatPlace(context.Context, incident.ID, string) (json.RawMessage, uint64, error) {
	return nil, 0, nil
}

// KeepChatPlace implements chat.Ledger.
func (p *places) KeepChatPlace(_ context.Context, id incident.ID, _ string, after uint64, place json.RawMessage) (uint64, error) {
	p.kept.Store(id, place)
	return after + 1, nil
}

// measureEdits tells a step's progress fifty times a second, and counts how often the message of the incident is edited.
func measureEdits(ctx context.Context, _ *bench) (rows []row, err error) {
	desk, err := slackd.Start(slackd.Options{Workspace: "T0BENCH", BotToken: editBot, Channels: []string{"C0BENCH"}})
	if err != nil {
		return nil, err
	}
	defer desk.Close()
	h, err := atWork()
	if err != nil {
		return nil, err
	}
	var told atomic.Int64
	at := slack.New(slack.Options{Workspace: "T0BENCH", BotToken: editBot, APIURL: desk.URL, Link: "http://salvor", Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	poster := chat.New(chat.Options{Replica: "bench", Routes: []chat.Route{{Channel: at.Channel("C0BENCH")}}, Incidents: h.Incidents, Ledger: &places{}, Lost: ledger.ErrLost, Clock: time.Now,
		Log: slog.New(slog.DiscardHandler), Words: func(*incident.Incident) card.Words { return card.Words{Progress: progressed(told.Load())} }})
	posting, stop := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error { return poster.Run(posting) })
	defer closing(&err, group.Wait)
	defer stop()
	took, err := progress(ctx, desk, poster, &told)
	if err != nil {
		return nil, err
	}
	return editRows(desk, took)
}

// atWork is a house with one incident, of which a step is being done.
func atWork() (*pages.House, error) {
	h, err := pages.New(pages.Options{Address: "http://salvor", Clock: time.Now, Passwords: pages.Nobody{}})
	if err != nil {
		return nil, err
	}
	plan := pages.Evacuation(policies.Disruptive)
	id, err := h.Open(pages.Zone())
	if err == nil {
		err = h.Begin(id, plan)
	}
	if err == nil {
		err = h.Do(id, incident.Intent, plan, 0)
	}
	return h, err
}

func progressed(n int64) string { return fmt.Sprintf("%d of %d workloads", n, editEvents) }

// progress tells all events, once the message is there, and says how long it took until the last of them was shown.
func progress(ctx context.Context, desk *slackd.Server, poster *chat.Poster, told *atomic.Int64) (time.Duration, error) {
	bounded, cancel := context.WithTimeout(ctx, editEvents*editEvery+2*editSettle)
	defer cancel()
	poster.Wake()
	if err := desk.Until(bounded, func() bool { return len(desk.Messages("C0BENCH")) > 0 }); err != nil {
		return 0, fmt.Errorf("wait for the message: %w", err)
	}
	began := time.Now()
	for range editEvents {
		told.Add(1)
		poster.Wake()
		if err := pause(bounded, editEvery); err != nil {
			return 0, err
		}
	}
	err := desk.Until(bounded, func() bool {
		shown, err := json.Marshal(desk.Messages("C0BENCH")[0].Blocks)
		return err == nil && strings.Contains(string(shown), progressed(editEvents))
	})
	if err != nil {
		return 0, fmt.Errorf("wait until the message shows the last event: %w", err)
	}
	return time.Since(began), nil
}

func editRows(desk *slackd.Server, took time.Duration) ([]row, error) {
	edits, refused := desk.Edits()
	if refused > 0 || len(edits) == 0 {
		return nil, fmt.Errorf("of the edits %d were made and %d refused by the limits of Slack", len(edits), refused)
	}
	f := figure{float64(len(edits)) / took.Seconds(), len(edits), 0, float64(mostWithin(edits, time.Second))}
	return []row{newRow("card_edits_per_s", "/s", atMost(1), f, fmt.Sprintf("edits of the one message of an incident, of which %d events of progress are told at 50 a second; n edits in %.1f s, the last event shown, "+
		"and at most max of them within any second; refused by the stand-in of Slack, which has its limits: %d; no peer", editEvents, took.Seconds(), refused))}, nil
}

// mostWithin is how many of some moments, the earliest first, lie within one span at most.
func mostWithin(at []time.Time, span time.Duration) (most int) {
	first := 0
	for i := range at {
		for at[i].Sub(at[first]) >= span {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
