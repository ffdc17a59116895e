package stack

import (
	"fmt"
	"strings"
	"time"
)

// Routing describes an Alertmanager configuration that sends all alerts to webhooks.
type Routing struct {
	// Webhooks are the URLs that are told of every alert.
	Webhooks []string
	// Token is the bearer token the webhooks ask for. Empty sends none.
	Token string
	// GroupBy are the labels alerts are grouped by. Empty groups all alerts together.
	GroupBy []string
	// Wait is how long a new group is held back: 100 ms if zero.
	Wait time.Duration
	// Interval is how long a changed group is held back, and how long a refused delivery is tried for: 10 s if zero.
	Interval time.Duration
	// Repeat is after how long an unchanged group is sent again: an hour if zero.
	Repeat time.Duration
}

// Config returns the configuration file.
func (r Routing) Config() string {
	var file strings.Builder
	fmt.Fprintf(&file, "route:\n  receiver: webhooks\n  group_by: [%s]\n", strings.Join(quoted(r.GroupBy), ", "))
	fmt.Fprintf(&file, "  group_wait: %s\n", milliseconds(r.Wait, 100*time.Millisecond))
	fmt.Fprintf(&file, "  group_interval: %s\n", milliseconds(r.Interval, 10*time.Second))
	fmt.Fprintf(&file, "  repeat_interval: %s\n", milliseconds(r.Repeat, time.Hour))
	fmt.Fprint(&file, "receivers:\n- name: webhooks\n  webhook_configs:\n")
	for _, url := range r.Webhooks {
		fmt.Fprintf(&file, "  - url: %q\n    send_resolved: true\n", url)
		if r.Token != "" {
			fmt.Fprintf(&file, "    http_config:\n      authorization:\n        credentials: %q\n", r.Token)
		}
	}
	return file.String()
}

func milliseconds(d, standard time.Duration) string {
	if d == 0 {
		d = standard
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

func quoted(words []string) []string {
	quotes := make([]string, len(words))
	for i, word := range words {
		quotes[i] = fmt.Sprintf("%q", word)
	}
	return quotes
}
