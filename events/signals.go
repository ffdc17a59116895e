package events

import "time"

// Alert is one alert of an Alertmanager. In the view an alert is (cluster, fingerprint).
//
// Kinds are the only fault kinds it may speak for: those of its sender's credential, narrowed by what its route and its own
// label salvor_fault say. Empty means any. When nothing is left they are [KindNone] alone, which is the name of no kind, so that
// whoever looks for a kind in the list finds none.
type Alert struct {
	Fingerprint  string    `json:"fingerprint"`
	Status       string    `json:"status"` // firing or resolved
	Name         string    `json:"name"`
	Labels       LabelSet  `json:"labels"`
	Annotations  LabelSet  `json:"annotations,omitzero"`
	StartsAt     time.Time `json:"startsAt"`
	EndsAt       time.Time `json:"endsAt,omitzero"`
	GeneratorURL string    `json:"generatorURL,omitempty"`
	Receiver     string    `json:"receiver,omitempty"`
	Truncated    bool      `json:"truncated,omitempty"` // the webhook left other alerts out: facts are incomplete
	Kinds        []string  `json:"kinds,omitempty"`     // the only fault kinds it may speak for; empty: any
}

// KindNone stands in [Alert.Kinds] for no kind at all.
const KindNone = "none"

// Topic is what an alert speaks of, whoever wrote its rule.
type Topic string

// The topics that judgements know.
const (
	TopicWatchdog     Topic = "watchdog"      // always firing: a dead man's switch, see Heartbeat
	TopicNodeLost     Topic = "node-lost"     // a node does not answer, or is not ready
	TopicNodeTrouble  Topic = "node-trouble"  // a node answers and is in trouble: pressure, disk, clock, runtime
	TopicControlPlane Topic = "control-plane" // the API server is away
	TopicControlPart  Topic = "control-part"  // another part of the control plane is away, and the API server may well answer
	TopicEtcdQuorum   Topic = "etcd-quorum"   // etcd has no leader, or too few members
	TopicEtcdSpace    Topic = "etcd-space"    // etcd is near its quota
	TopicEtcdCorrupt  Topic = "etcd-corrupt"  // members of etcd differ
	TopicBackup       Topic = "backup"        // a backup failed or is late
	TopicVolume       Topic = "volume"        // a volume or a snapshot of one has an error
	TopicRollout      Topic = "rollout"       // a workload is stuck, crash-looping, or short of replicas
	TopicCertificate  Topic = "certificate"   // a certificate expires soon, or has
	TopicRuntime      Topic = "runtime"       // a process did what it should not: Falco
	TopicTampering    Topic = "tampering"     // secrets, RBAC or audit were tampered with
)

// Topics lists every topic.
func Topics() []Topic {
	return []Topic{TopicWatchdog, TopicNodeLost, TopicNodeTrouble, TopicControlPlane, TopicControlPart, TopicEtcdQuorum, TopicEtcdSpace, TopicEtcdCorrupt,
		TopicBackup, TopicVolume, TopicRollout, TopicCertificate, TopicRuntime, TopicTampering}
}

// Meaning is what the table of alerts says about an alert. The zero value is an alert that nobody listens to.
type Meaning struct {
	Topic Topic `json:"topic,omitempty"`
	// Independent says that the alert's facts do not come from the API server of its cluster: a scrape that fails, and not what
	// kube-state-metrics last saw.
	Independent bool `json:"independent,omitempty"`
}

// Silence is one silence of an Alertmanager: people know of what it matches, and are at work or want no noise.
type Silence struct {
	ID        string    `json:"id"`
	Matchers  []Matcher `json:"matchers"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	CreatedBy string    `json:"createdBy,omitempty"`
	Comment   string    `json:"comment,omitempty"`
	Gone      bool      `json:"gone,omitempty"` // it was expired or deleted before its end
}

// Matcher is one matcher of a silence: all of them must match the labels of an alert. A label that is absent is empty.
type Matcher struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Regex bool   `json:"regex,omitempty"` // Value is a regular expression (RE2) that must match the whole label
	Not   bool   `json:"not,omitempty"`
}

// Heartbeat says that a dead man's switch was heard: the Watchdog alert of a Prometheus arrived, or a heartbeat was posted. Its
// event ID is (cluster, name, ten seconds), so that many copies make one.
type Heartbeat struct {
	Name  string  `json:"name"`            // the switch: the alert's name, or "default"
	Every Seconds `json:"every,omitempty"` // how often it is promised to come; 0 when it does not say
}

// Probe is published by whoever tries to reach a part of a cluster, when the answer changes and at least every 10 s. A prober
// that was not heard of for 30 s of view time is blind, as an Observer is.
type Probe struct {
	By      string  `json:"by"`                // the prober: a replica, or a witness elsewhere
	Witness bool    `json:"witness,omitempty"` // it runs apart from Salvor, with an own way to the cluster
	Target  string  `json:"target"`            // "apiserver" or "etcd"
	Up      bool    `json:"up"`
	Reason  string  `json:"reason,omitempty"` // why it is not up, one line
	Took    Seconds `json:"took,omitempty"`
	// Expires is when the first of the certificates that the target showed expires; zero when it showed none.
	Expires time.Time `json:"expires,omitzero"`
}

// Falco is what a rule of Falco says, as falcosidekick's CloudEvents output posts it (the JSON of Falco's own output).
type Falco struct {
	UUID     string         `json:"uuid"`
	Output   string         `json:"output"`
	Priority string         `json:"priority"` // Emergency, Alert, Critical, Error, Warning, Notice, Informational, Debug
	Rule     string         `json:"rule"`
	Time     time.Time      `json:"time"`
	Source   string         `json:"source"` // "syscall", "k8s_audit", ...
	Tags     []string       `json:"tags"`
	Hostname string         `json:"hostname"`
	Fields   map[string]any `json:"output_fields"` // "k8s.ns.name", "k8s.pod.name", "ka.user.name", ...
}
