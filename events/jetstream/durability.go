package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// Durability is what is known about when the server fsyncs what it acknowledged.
type Durability string

// The three answers.
const (
	DurabilityUnknown Durability = "unknown" // the server does not tell this account
	SyncedAtOnce      Durability = "synced"  // before it acknowledges
	SyncedLater       Durability = "delayed" // after it acknowledged, up to its sync_interval
)

// Durable asks when writes are fsynced, for at most a second. An embedded server does it at once. An external one answers
// only when its operator lets Salvor's account use the service $SYS.REQ.SERVER.PING.JSZ of the system account; of several
// servers the least durable counts.
func (c *Conn) Durable(ctx context.Context) (Durability, error) {
	if c.Embedded() {
		return SyncedAtOnce, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	answers, err := c.ask(ctx, "$SYS.REQ.SERVER.PING.JSZ")
	if err != nil {
		return DurabilityUnknown, fmt.Errorf("ask nats for its sync interval: %w", err)
	}
	found := DurabilityUnknown
	for _, answer := range answers {
		var info struct {
			Data struct {
				Config struct {
					SyncAlways bool `json:"sync_always"`
				} `json:"config"`
			} `json:"data"`
		}
		if json.Unmarshal(answer.Data, &info) != nil || answer.Header.Get("Status") != "" {
			continue // nobody answers, or not about that
		}
		if !info.Data.Config.SyncAlways {
			return SyncedLater, nil
		}
		found = SyncedAtOnce
	}
	return found, nil
}

// ask gathers the answers of all servers until ctx ends.
func (c *Conn) ask(ctx context.Context, subject string) ([]*nats.Msg, error) {
	inbox := c.nc.NewInbox()
	sub, err := c.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when it is gone already
	if err := c.nc.PublishRequest(subject, inbox, nil); err != nil {
		return nil, err
	}
	var answers []*nats.Msg
	for {
		answer, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return answers, nil
		}
		answers = append(answers, answer)
		if answer.Header.Get("Status") != "" {
			return answers, nil
		}
	}
}
