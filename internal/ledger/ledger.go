package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/internal/incident"
)

// The streams and the bucket.
const (
	IncidentsStream = "SALVOR_INCIDENTS"
	ArchiveStream   = "SALVOR_ARCHIVE"
	DecisionsStream = "SALVOR_DECISIONS"
	TimersStream    = "SALVOR_TIMERS"
	AuditStream     = "SALVOR_AUDIT"
	PoliciesStream  = "SALVOR_POLICIES"
	ChatStream      = "SALVOR_CHAT"
	SwitchesBucket  = "salvor_switches"

	switchesStream = "KV_" + SwitchesBucket
)

// DefaultMaxBytes is the space that is reserved for incidents, again for decisions, half of it for the archive, an eighth each
// for trails and for policies, and as much but no more than 8 MiB for chat and 4 MiB for switches, when no other is given.
const DefaultMaxBytes = 512 << 20

const (
	openWithin   = 15 * time.Second
	callWithin   = 2 * time.Second // one round trip to the store
	keepDecision = 400 * 24 * time.Hour
	keepArchived = keepDecision // a history is shown with what policy was asked
	maxSwitches  = 4 << 20
	keepChat     = 30 * 24 * time.Hour
	maxChat      = 8 << 20
	maxDocument  = 768 << 10 // bytes of one record; the store takes messages of 1 MiB
)

// Options say who writes and how much space there is.
type Options struct {
	Writer   string // the replica, as records name it
	Replicas int    // copies of each stream: 1 (also 0) or 3
	MaxBytes int64  // bytes reserved for incidents; what else reserves how much is said at DefaultMaxBytes, which 0 stands for
	Logger   *slog.Logger
}

// Ledger keeps the histories of incidents. Any number of Ledgers, in any number of processes, may be open on the same NATS;
// they are one ledger. Its methods are safe for concurrent use, but one Incident is passed to one of them at a time.
//
// Each round trip to the store takes two seconds at most; an error that leaves open whether something was written is an
// events.ErrUnavailable, and repeating the call is safe.
type Ledger struct {
	opt     Options
	log     *slog.Logger
	js      jetstream.JetStream
	nc      *nats.Conn
	api     string // prefix of the JetStream API, with its last dot
	request func(context.Context, *nats.Msg) (*nats.Msg, error)
	ackWait time.Duration

	callWithin time.Duration // bounds one round trip

	contending chan struct{} // holds at most one: changes of the budget by this process go one by one
	known      knownBudget
	moves      turns
	aside      setAside
	left       leftovers
}

// Open makes the streams and the bucket be as configured and opens the ledger on them. The connection stays the caller's.
// When MaxBytes are not to be had beside what other streams have reserved, it fails: space that is not reserved now would be
// missing in the middle of a recovery.
func Open(ctx context.Context, js jetstream.JetStream, opt Options) (*Ledger, error) {
	if opt.Writer == "" {
		return nil, errors.New("open ledger: it has no writer, name the replica")
	}
	opt.Replicas = max(opt.Replicas, 1)
	if opt.MaxBytes == 0 {
		opt.MaxBytes = DefaultMaxBytes
	}
	l := &Ledger{opt: opt, log: opt.Logger, js: js, nc: js.Conn(), api: apiPrefix(js.Options()),
		ackWait: 10 * time.Second, callWithin: callWithin, contending: make(chan struct{}, 1)}
	l.request = l.nc.RequestMsgWithContext
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	for _, cfg := range streams(opt) {
		if _, err := js.CreateOrUpdateStream(ctx, cfg); err != nil {
			return nil, fmt.Errorf("open ledger: create or update stream %s: %w", cfg.Name, err)
		}
	}
	if _, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: SwitchesBucket,
		Description: "switches that people throw", Replicas: opt.Replicas, MaxBytes: min(opt.MaxBytes/8, maxSwitches), Storage: jetstream.FileStorage}); err != nil {
		return nil, fmt.Errorf("open ledger: create or update bucket %s: %w", SwitchesBucket, err)
	}
	return l, nil
}

// streams are all streams. Incidents are never dropped to make room, old decisions and what was archived first are rather
// than stop a recovery, and timers have no limit at all, since any would silently drop some. The archive is gzipped and so gets
// half of the space; its leader answers for it, so that no copy that is behind misses what was just moved there. Of a
// trail nothing is ever dropped, and of policies none unasked: one may be in force for years.
func streams(opt Options) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{{
		Name:               IncidentsStream,
		Description:        "the history of each incident, keys and budget",
		Subjects:           []string{incidentPrefix + ">"},
		Storage:            jetstream.FileStorage,
		Replicas:           opt.Replicas,
		MaxBytes:           opt.MaxBytes,
		Discard:            jetstream.DiscardNew,
		AllowAtomicPublish: true,
		AllowDirect:        true,
	}, {
		Name:              ArchiveStream,
		Description:       "the histories of incidents that ended long ago, one document each",
		Subjects:          []string{archivePrefix + ">"},
		Storage:           jetstream.FileStorage,
		Replicas:          opt.Replicas,
		MaxAge:            keepArchived,
		MaxBytes:          opt.MaxBytes / 2,
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardOld,
	}, {
		Name:        DecisionsStream,
		Description: "what policy was asked and what it said",
		Subjects:    []string{decisionPrefix + ">"},
		Storage:     jetstream.FileStorage,
		Replicas:    opt.Replicas,
		MaxAge:      keepDecision,
		MaxBytes:    opt.MaxBytes,
		Discard:     jetstream.DiscardOld,
		AllowDirect: true,
	}, {
		Name:              TimersStream,
		Description:       "waits of incidents",
		Subjects:          []string{timerSet + "*", timerFired + "*"},
		Storage:           jetstream.FileStorage,
		Replicas:          opt.Replicas,
		Discard:           jetstream.DiscardOld,
		AllowMsgSchedules: true,
		AllowMsgTTL:       true,
		AllowRollup:       true,
		AllowDirect:       true,
	}, {
		Name:        AuditStream,
		Description: "what was changed about Salvor itself, by whom",
		Subjects:    []string{trailPrefix + "*"},
		Storage:     jetstream.FileStorage,
		Replicas:    opt.Replicas,
		MaxBytes:    opt.MaxBytes / 8,
		Discard:     jetstream.DiscardNew,
		AllowDirect: true,
	}, {
		Name:              PoliciesStream,
		Description:       "packed policies by their revisions",
		Subjects:          []string{policyPrefix + "*"},
		Storage:           jetstream.FileStorage,
		Replicas:          opt.Replicas,
		MaxBytes:          opt.MaxBytes / 8,
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
	}, {
		Name:              ChatStream,
		Description:       "where the messages of incidents are in chat, and who edits them",
		Subjects:          []string{chatPrefix + ">"},
		Storage:           jetstream.FileStorage,
		Replicas:          opt.Replicas,
		MaxAge:            keepChat,
		MaxBytes:          min(opt.MaxBytes/8, maxChat),
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardOld,
	}}
}

// apiPrefix is where the JetStream API of the caller's account is reached.
func apiPrefix(opt jetstream.JetStreamOptions) string {
	switch {
	case opt.Domain != "":
		return "$JS." + opt.Domain + ".API."
	case opt.APIPrefix != "":
		return opt.APIPrefix + "."
	}
	return jetstream.DefaultAPIPrefix
}

// signature is what every document but a record carries to be told apart from its like.
type signature struct {
	Schema int    `json:"schema"`
	Writer string `json:"writer"`
	Nonce  string `json:"nonce"` // unique to this attempt to write
}

func (l *Ledger) sign() signature {
	return signature{Schema: incident.Schema, Writer: l.opt.Writer, Nonce: rand.Text()}
}

// known refuses documents of another schema.
func (s signature) known() error {
	if s.Schema != incident.Schema {
		return fmt.Errorf("schema %d, known is %d: %w", s.Schema, incident.Schema, ErrNewer)
	}
	return nil
}
