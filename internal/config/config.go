package config

import (
	"log/slog"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events/alertmanager"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/policies"
)

// Config is a salvor.yaml that was read and checked. Its paths are absolute or relative to the working directory.
type Config struct {
	DataDir       string         `yaml:"data_dir"`     // everything Salvor keeps, when NATS is embedded
	ExternalURL   string         `yaml:"external_url"` // where people reach Salvor; the start of links
	Listen        Listen         `yaml:"listen"`
	Console       Console        `yaml:"console"`
	NATS          NATS           `yaml:"nats"`
	Clusters      []Cluster      `yaml:"clusters"`
	Intakes       []Intake       `yaml:"intakes"`
	People        []Person       `yaml:"people"`
	OIDC          *OIDC          `yaml:"oidc"`        // nil: nobody is known by an identity provider
	BreakGlass    []string       `yaml:"break_glass"` // the people of whom two can have a plan run while there is no policy
	Protection    []Promise      `yaml:"protection"`
	Probes        []Probe        `yaml:"probes"`
	Queries       []Query        `yaml:"queries"`
	Policies      Policies       `yaml:"policies"`
	Runbooks      Runbooks       `yaml:"runbooks"`
	Limits        Limits         `yaml:"limits"`
	Detect        Detect         `yaml:"detect"`
	Times         Times          `yaml:"times"`
	Alertmanagers []Alertmanager `yaml:"alertmanagers"`
	Chat          Chat           `yaml:"chat"`

	Alerts []alertmanager.Row `yaml:"alerts"` // what alerts speak of, before the shipped table
	Log    Log                `yaml:"log"`

	Warnings []Problem `yaml:"-"` // what works and is still worth a look
}

// Listen says where Salvor is reached.
type Listen struct {
	Address string `yaml:"address"` // host:port
	Socket  string `yaml:"socket"`  // path of the Unix socket
	TLS     TLS    `yaml:"tls"`     // without a certificate the address speaks plain HTTP
}

// Console says how people are known in the pages that Salvor serves.
type Console struct {
	SessionKeyFile string `yaml:"session_key_file"` // what sessions are signed with; empty: a key of this replica, in DataDir
}

// TLS names the files for TLS on the address.
type TLS struct {
	CertFile     string `yaml:"cert_file"`
	KeyFile      string `yaml:"key_file"`
	ClientCAFile string `yaml:"client_ca_file"` // who signs the certificates of intakes that have a client_name
}

// NATS says where events and incidents are kept. Without a URL that is a NATS inside this process.
type NATS struct {
	URL       string `yaml:"url"`
	CAFile    string `yaml:"ca_file"`
	CertFile  string `yaml:"cert_file"`
	KeyFile   string `yaml:"key_file"`
	CredsFile string `yaml:"creds_file"`
	TokenFile string `yaml:"token_file"`
	NkeyFile  string `yaml:"nkey_file"`
	Replicas  int    `yaml:"replicas"`
	MaxStore  Bytes  `yaml:"max_store"`
}

// Cluster is a cluster that Salvor watches.
type Cluster struct {
	Name            string                             `yaml:"name"`
	Environment     string                             `yaml:"environment"`
	Region          string                             `yaml:"region"`
	Observe         Observe                            `yaml:"observe"`
	Act             *Act                               `yaml:"act"` // nil: nothing can act on the cluster
	Modes           map[classifiers.Kind]policies.Mode `yaml:"modes"`
	Power           *Power                             `yaml:"power"` // nil: there is no power switch
	LeaseStaleAfter time.Duration                      `yaml:"lease_stale_after"`
	SoleRepairer    bool                               `yaml:"sole_repairer"` // people state that nobody repairs its nodes whom Salvor cannot see
	Etcd            *Etcd                              `yaml:"etcd"`          // nil: the API server is asked whether it reaches it
	Prometheus      *Prometheus                        `yaml:"prometheus"`    // nil: no runbook can ask one about it
}

// Mode is how much automation the cluster has earned for one kind of fault.
func (c Cluster) Mode(kind classifiers.Kind) policies.Mode { return c.Modes[kind] }

// Observe says with which credentials a cluster is watched: a kubeconfig, or those of the pod Salvor runs in.
type Observe struct {
	Kubeconfig string `yaml:"kubeconfig"`
	Context    string `yaml:"context"`
	InCluster  bool   `yaml:"in_cluster"`
}

// Act says with which credentials a cluster is acted on.
type Act struct {
	Kubeconfig string `yaml:"kubeconfig"`
	Context    string `yaml:"context"`
}

// Power is the power switch of a cluster's machines: exactly one of its fields is set.
type Power struct {
	HTTP *PowerHTTP `yaml:"http"`
	Exec *PowerExec `yaml:"exec"`
}

// PowerHTTP is a power switch that is asked by HTTP.
type PowerHTTP struct {
	URL       string        `yaml:"url"` // with {node} where the name of the node goes
	TokenFile string        `yaml:"token_file"`
	Timeout   time.Duration `yaml:"timeout"`
}

// PowerExec is a power switch that is a command.
type PowerExec struct {
	Command []string      `yaml:"command"` // argv; no shell reads it
	Timeout time.Duration `yaml:"timeout"`
}

// Etcd names the members of a cluster's etcd, all of them, and as whom they are asked for their health.
type Etcd struct {
	Endpoints []string `yaml:"endpoints"` // http or https addresses that serve /health
	CAFile    string   `yaml:"ca_file"`
	CertFile  string   `yaml:"cert_file"`
	KeyFile   string   `yaml:"key_file"`
}

// Intake is somebody who may post alerts and events: exactly one of TokenFile and ClientName is set.
type Intake struct {
	Name       string             `yaml:"name"`
	TokenFile  string             `yaml:"token_file"`
	ClientName string             `yaml:"client_name"` // common name or alternative name of the client certificate
	Clusters   []string           `yaml:"clusters"`
	Kinds      []classifiers.Kind `yaml:"kinds"`   // empty: any
	Witness    string             `yaml:"witness"` // it is the witness of that name, and posts nothing but its own probes
}

// Person is somebody who is known, by at least one of the last five.
type Person struct {
	Name      string        `yaml:"name"`
	Role      people.Role   `yaml:"role"`
	Groups    []string      `yaml:"groups"`
	TokenFile string        `yaml:"token_file"`
	Slack     *SlackAccount `yaml:"slack"` // nil: they have none
	Subject   string        `yaml:"oidc"`  // who they are to the identity provider of OIDC
	Email     string        `yaml:"email"` // counts only where something is told to match it

	PasswordFile string `yaml:"password_file"` // holds the bcrypt hash of the password by which they log in to the console
}

// SlackAccount is somebody's account at Slack, by ids and not by the names that people give themselves.
type SlackAccount struct {
	Workspace string `yaml:"workspace"`
	User      string `yaml:"user"`
}

// OIDC is an identity provider that says who people are.
type OIDC struct {
	Issuer           string    `yaml:"issuer"`
	ClientID         string    `yaml:"client_id"`
	ClientSecretFile string    `yaml:"client_secret_file"` // without it the client is a public one
	CLIClientID      string    `yaml:"cli_client_id"`      // as which salvor login asks; empty: as ClientID, where that has no secret
	CAFile           string    `yaml:"ca_file"`            // who signs its certificate; empty: those that the system trusts
	NameClaim        string    `yaml:"name_claim"`         // what somebody who is not listed is called by; empty: the verified email, or preferred_username
	GroupsClaim      string    `yaml:"groups_claim"`
	Roles            OIDCRoles `yaml:"roles"`       // what somebody who is not listed may do, by their groups
	MatchEmail       bool      `yaml:"match_email"` // who has the verified email of somebody listed is that person
}

// OIDCRoles are the groups of an identity provider that have a role. The most powerful one counts.
type OIDCRoles struct {
	Viewer   []string `yaml:"viewer"`
	Operator []string `yaml:"operator"`
	Admin    []string `yaml:"admin"`
}

// Promise is what an application was promised, see package protection.
type Promise struct {
	Name       string        `yaml:"name"`
	Level      int           `yaml:"level"` // DR level, 1 to 4
	RPO        time.Duration `yaml:"rpo"`   // so much of what was written last may be lost
	RTO        time.Duration `yaml:"rto"`   // so soon it is to serve again
	Tier       int           `yaml:"tier"`  // in which turn it is brought back among others, 1 first; 0: by its level
	Clusters   []string      `yaml:"clusters"`
	Namespaces []string      `yaml:"namespaces"` // patterns of names

	Selector  protection.Labels   `yaml:"selector"`  // labels that those namespaces have
	Workloads protection.Labels   `yaml:"workloads"` // labels that its workloads and volumes have in them
	Strategy  protection.Strategy `yaml:"strategy"`
	Backups   []protection.Backup `yaml:"backups"` // empty: what its level stands for
}

// Query is a question to the Prometheus of a cluster that has a name.
type Query struct {
	Name  string `yaml:"name"`
	Query string `yaml:"query"` // of what it comes to, the largest number counts
}

// Probe is a web address that answers as expected while what runs in its clusters serves.
type Probe struct {
	Name      string        `yaml:"name"`
	URL       string        `yaml:"url"`
	Clusters  []string      `yaml:"clusters"` // of which it says whether they serve
	Expect    Expect        `yaml:"expect"`
	Timeout   time.Duration `yaml:"timeout"` // of one request, its answer included
	TokenFile string        `yaml:"token_file"`
	CAFile    string        `yaml:"ca_file"`
}

// Expect is what the answer to a probe must be.
type Expect struct {
	Status       int    `yaml:"status"`
	BodyContains string `yaml:"body_contains"` // empty: whatever it is
}

// Prometheus is where a cluster's metrics are asked for.
type Prometheus struct {
	URL       string `yaml:"url"` // its API lies below, at api/v1
	TokenFile string `yaml:"token_file"`
	CAFile    string `yaml:"ca_file"`
}

// Policies names rules beside the shipped ones: a directory, or a signed bundle at an address, or neither.
type Policies struct {
	Dir    string  `yaml:"dir"`
	Bundle *Bundle `yaml:"bundle"`
	Shadow string  `yaml:"shadow"` // a directory of rules that are asked beside those in force, and never acted on
}

// Bundle is a signed bundle that is fetched again and again.
type Bundle struct {
	URL       string        `yaml:"url"`
	TokenFile string        `yaml:"token_file"`
	CAFile    string        `yaml:"ca_file"`
	Keys      []BundleKey   `yaml:"keys"` // one of them has to have signed it
	Poll      time.Duration `yaml:"poll"`
}

// BundleKey is a key that is trusted for bundles, and the person it stands for: who signs with it is the author.
type BundleKey struct {
	ID     string `yaml:"id"`
	File   string `yaml:"file"` // the public key, PEM
	Person string `yaml:"person"`
}

// Runbooks names a directory of runbooks beside the shipped ones; empty means none.
type Runbooks struct {
	Dir string `yaml:"dir"`
}

// Limits are the bounds that brakes hold.
type Limits struct {
	NodesPerZone int     `yaml:"nodes_per_zone"` // nodes of one zone being repaired at once
	FleetShare   float64 `yaml:"fleet_share"`    // share of a cluster's nodes being repaired at once; one is always allowed
	Storm        Storm   `yaml:"storm"`
	Attempts     int     `yaml:"attempts"` // plans started for one incident before a person takes over
	Flaps        int     `yaml:"flaps"`    // returns of a fault within one incident before a person takes over
}

// Storm says how many nodes lost within how long make Salvor suspect the observer: at least Nodes, and at least Share.
type Storm struct {
	Nodes  int           `yaml:"nodes"`
	Share  float64       `yaml:"share"`
	Within time.Duration `yaml:"within"`
}

// Detect says from where on what is seen counts as a fault.
type Detect struct {
	Deletions        Deletions     `yaml:"deletions"`
	BackupLate       time.Duration `yaml:"backup_late"`       // how much later than its schedule says a backup may be
	ChangeWithin     time.Duration `yaml:"change_within"`     // how long before a workload breaks a change may lie and be its cause
	CertificateLeft  time.Duration `yaml:"certificate_left"`  // how long before its end a certificate counts
	SecurityPriority string        `yaml:"security_priority"` // the least of Falco's priorities that counts
}

// Deletions say how many objects that are gone within how long are a burst.
type Deletions struct {
	Within     time.Duration `yaml:"within"`
	Namespaces int           `yaml:"namespaces"` // of one cluster
	Claims     int           `yaml:"claims"`     // volume claims of one namespace
	Objects    int           `yaml:"objects"`    // of any kind, of one namespace
	Protected  []string      `yaml:"protected"`  // patterns of the namespaces that count; empty: all but those of Kubernetes
}

// Times are the times that incidents obey.
type Times struct {
	Confirm time.Duration `yaml:"confirm"` // how long a fault must persist before it counts
	Healthy time.Duration `yaml:"healthy"` // how long it must stay away before what was done is taken back
	Retry   time.Duration `yaml:"retry"`   // until a plan that is held back is looked at again

	ArchiveAfter time.Duration `yaml:"archive_after"` // how long an incident that has ended is listed, before it goes to the archive
}

// Alertmanager is where incidents are raised as alerts, and silences are read.
type Alertmanager struct {
	URL       string `yaml:"url"`
	TokenFile string `yaml:"token_file"`
}

// Log says what is logged, to stderr.
type Log struct {
	Level  slog.Level `yaml:"level"`
	Format string     `yaml:"format"` // text or json
}
