// Package control is what a stack's owner and its supervisor say to each other: what to run, what runs, and where.
package control

// Node is one machine of the stack.
type Node struct {
	Name string `json:"name"`
	// Zone is the value of the node's topology.kubernetes.io/zone label.
	Zone string `json:"zone"`
	// Domain is what dies together: nodes of one domain share one process. Empty means a domain of the node's own.
	Domain string `json:"domain,omitempty"`
	// Labels are added to the topology labels that every node has.
	Labels map[string]string `json:"labels,omitempty"`
}

// FailureDomain names the domain the node is in.
func (n Node) FailureDomain() string {
	if n.Domain == "" {
		return n.Name
	}
	return n.Domain
}

// Alertmanagers says how many Alertmanagers run and what they do with alerts.
type Alertmanagers struct {
	// Replicas is how many run; the zero value is none.
	Replicas int `json:"replicas"`
	// Clustered lets the replicas gossip, so that only one of them notifies. Otherwise each notifies.
	Clustered bool `json:"clustered"`
	// Config is the configuration file of all of them. Empty means alerts are taken in and nobody is told.
	Config string `json:"config"`
}

// Binaries are the paths of the programs a supervisor starts.
type Binaries struct {
	ControlPlane       string `json:"control_plane"`
	Kwok               string `json:"kwok"`
	Alertmanager       string `json:"alertmanager,omitempty"`
	Velero             string `json:"velero,omitempty"`
	VeleroPlugin       string `json:"velero_plugin,omitempty"`
	SnapshotController string `json:"snapshot_controller,omitempty"`
	Snapshotter        string `json:"snapshotter,omitempty"`
	Provisioner        string `json:"provisioner,omitempty"`
	Driver             string `json:"driver,omitempty"`
	// SnapshotCRDs is a folder of manifests.
	SnapshotCRDs string `json:"snapshot_crds,omitempty"`
}

// Config is what a supervisor is asked to run.
type Config struct {
	Dir string `json:"dir"`
	// Temporary folders are removed when the stack stops.
	Temporary              bool          `json:"temporary"`
	Region                 string        `json:"region"`
	Nodes                  []Node        `json:"nodes"`
	Alertmanagers          Alertmanagers `json:"alertmanagers"`
	APIServerFlags         []string      `json:"api_server_flags,omitempty"`
	ControllerManagerFlags []string      `json:"controller_manager_flags,omitempty"`
	Volumes                Volumes       `json:"volumes"`
	Velero                 Velero        `json:"velero"`
	Binaries               Binaries      `json:"binaries"`
}

// State is where a started stack is found.
type State struct {
	PID              int      `json:"pid"`
	Dir              string   `json:"dir"`
	Temporary        bool     `json:"temporary"`
	ControlURL       string   `json:"control_url"`
	ControlToken     string   `json:"control_token"`
	APIServerURL     string   `json:"api_server_url"`
	AlertmanagerURLs []string `json:"alertmanager_urls"`
	PowerURL         string   `json:"power_url"`
	PowerToken       string   `json:"power_token"`
	// Volumes is the folder of the storage system, empty if there is none.
	Volumes string `json:"volumes,omitempty"`
	// Velero is the path of Velero's CLI, empty if Velero does not run.
	Velero string `json:"velero,omitempty"`
}

// Message is one line a supervisor prints while it starts: progress, and last the state or an error.
type Message struct {
	Progress string `json:"progress,omitempty"`
	State    *State `json:"state,omitempty"`
	// Store is told instead of State by the supervisor of an object store.
	Store *StoreState `json:"store,omitempty"`
	Error string      `json:"error,omitempty"`
}

// Switch is how a node's power switch behaves.
type Switch struct {
	Mode SwitchMode `json:"mode"`
	// Code is the status a switch that refuses answers with: 503 if zero.
	Code int `json:"code,omitempty"`
	// Reason is what a switch that refuses says.
	Reason string `json:"reason,omitempty"`
}

// SwitchMode is one of the ways in which a power switch can behave or misbehave.
type SwitchMode string

// The ways of a power switch.
const (
	// SwitchWorks does as it is told and answers when it is done.
	SwitchWorks SwitchMode = "works"
	// SwitchRefuses answers off and on with an error and does nothing. The status it reports is true.
	SwitchRefuses SwitchMode = "refuses"
	// SwitchHangs takes requests, does nothing and never answers.
	SwitchHangs SwitchMode = "hangs"
	// SwitchMute does as it is told and never answers: the time-out that hides a success. The status it reports is true.
	SwitchMute SwitchMode = "mute"
	// SwitchLies answers that the power is off while the node runs on.
	SwitchLies SwitchMode = "lies"
	// SwitchAbsent answers 404 to everything.
	SwitchAbsent SwitchMode = "absent"
)

// The states of a node's power.
const (
	PowerOn  = "on"
	PowerOff = "off"
)

// Status is what runs at this moment.
type Status struct {
	Processes []ProcessStatus `json:"processes"`
	Nodes     []NodeStatus    `json:"nodes"`
}

// ProcessStatus is one process of the stack.
type ProcessStatus struct {
	Name    string `json:"name"`
	PID     int    `json:"pid"`
	Running bool   `json:"running"`
	// RSS is the resident memory in bytes, zero when the process does not run.
	RSS int64 `json:"rss"`
}

// NodeStatus is one node as the supervisor, who cannot be fooled, knows it.
type NodeStatus struct {
	Name   string `json:"name"`
	Zone   string `json:"zone"`
	Domain string `json:"domain"`
	// Alive says that the process of the node's domain runs.
	Alive bool `json:"alive"`
	// Power is what was done with the node's switch last: a node that failed by itself is dead and its power on.
	Power  string     `json:"power"`
	Switch SwitchMode `json:"switch"`
}

// StateFile is the name of the file in a stack's folder that holds its State while it runs.
const StateFile = "state.json"
