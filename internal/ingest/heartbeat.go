package ingest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/salvor-io/salvor/events"
)

// Bounds of a heartbeat's promise. Heartbeats within ten seconds are one, so that none can be promised more often.
const (
	leastEvery = 10 * time.Second
	mostEvery  = 24 * time.Hour
)

// heartbeatHook takes heartbeats: a post without a body, which says all by its address.
func heartbeatHook() endpoint {
	return endpoint{
		name: "heartbeat", media: func(http.Header) error { return nil },
		want:   "post nothing to " + HeartbeatPath + "CLUSTER, with ?name= and ?every=30s if wanted",
		decode: heartbeat,
	}
}

func heartbeat(p parcel) (harvest, error) {
	if p.from.Witness != "" {
		return harvest{}, fmt.Errorf("heartbeats: %w", errWitness)
	}
	if len(p.body) > 0 {
		return harvest{}, fmt.Errorf("the body has %d bytes, want none", len(p.body))
	}
	named := p.path("cluster")
	if named == "" {
		return harvest{}, errors.New("the path names no cluster")
	}
	cluster, err := p.from.bind(named)
	if err != nil {
		return harvest{}, err
	}
	beat, err := beatOf(p.url.RawQuery)
	if err != nil {
		return harvest{}, err
	}
	ev, err := events.NewHeartbeat("salvor/hooks/heartbeat/"+p.from.Name, cluster, p.at, beat)
	return harvest{events: []events.Event{ev}}, err
}

var switchName = regexp.MustCompile(`^[a-zA-Z0-9][-_.a-zA-Z0-9]{0,62}$`)

// beatOf reads the parameters. One that is not known is an error: a promise that is misspelt would never be missed.
func beatOf(text string) (events.Heartbeat, error) {
	beat := events.Heartbeat{Name: "default"}
	query, err := url.ParseQuery(text)
	if err != nil {
		return beat, fmt.Errorf("read the parameters: %w", err)
	}
	for key, values := range query {
		var err error
		switch {
		case len(values) != 1:
			err = fmt.Errorf("it is given %d times", len(values))
		case key == "name" && switchName.MatchString(values[0]):
			beat.Name = values[0]
		case key == "name":
			err = fmt.Errorf("want letters, digits, '-', '_' and '.', at most 63, not %.80q", values[0])
		case key == "every":
			beat.Every, err = everyOf(values[0])
		default:
			err = errors.New("want name or every")
		}
		if err != nil {
			return events.Heartbeat{}, fmt.Errorf("read parameter %.40q: %w", key, err)
		}
	}
	return beat, nil
}

func everyOf(text string) (events.Seconds, error) {
	every, err := time.ParseDuration(text)
	if err != nil || every < leastEvery || every > mostEvery {
		return 0, fmt.Errorf("want a duration from %s to %s, such as 30s, not %.40q", leastEvery, mostEvery, text)
	}
	return events.InSeconds(every), nil
}
