package responders

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/policies"
)

// Responder can do one thing to the world. Its methods are called in this order, from any replica and possibly after
// another replica began:
//
// Preview reads the world and says what Apply would do. It makes no write. It pins selectors and "latest" to explicit
// targets with UIDs, refuses empty and wildcard targets, and returns an error when the step cannot be done as asked. When
// there is nothing left to do the Change says so (Nothing) and still names the targets.
//
// Apply does what the Change says, no more. It is safe to repeat and to resume after a death at any point: it looks before
// it does, creates under names derived from (incident, step), and updates under UID and resourceVersion. It calls [Guard]
// right before each write to the world and stops with that error when it refuses. It returns soon after ctx ends.
//
// Verify asks the world whether what the Change promised is so now, and says what is not yet so. An error means that the
// world could not be asked; the outcome is then OutcomeUnknown.
//
// The caller owns deadlines (ctx always has one), retries, and the order of steps. A responder keeps no state between
// calls and may be used by many goroutines. Nothing here takes back what was done: that is a plan of its own, of the undo steps of the
// runbook, with a decision of its own.
type Responder interface {
	Spec() Spec
	Preview(ctx context.Context, env Env, args Args) (Change, error)
	Apply(ctx context.Context, env Env, change Change) error
	Verify(ctx context.Context, env Env, change Change) (Finding, error)
}

// Spec describes a responder to runbook authors, to policy and to RBAC generation.
type Spec struct {
	Name   string         // "node.cordon"
	About  string         // one sentence: what it does to the world
	Class  policies.Class // the highest class a Change of it can have
	Params []Param        // the arguments it takes; others are refused
	OneOf  []string       // exactly one of these arguments has to be given, if there are any
	Grants []Grant        // every API access that Preview, Apply and Verify make
}

// Param is one argument of a responder.
type Param struct {
	Name     string
	Type     ParamType
	Required bool
	About    string
}

// ParamType is the JSON shape of an argument.
type ParamType string

// The shapes of arguments. ParamNames is a list of object names, ParamDuration a Go duration such as "90s", ParamComparison a
// [Comparison] such as ">= 0.99", ParamZone the name of a zone, which stands for all nodes that it has when the plan is made, ParamNumber a
// whole number above 0.
const (
	ParamNames      ParamType = "names"
	ParamString     ParamType = "string"
	ParamDuration   ParamType = "duration"
	ParamBool       ParamType = "bool"
	ParamComparison ParamType = "comparison"
	ParamZone       ParamType = "zone"
	ParamNumber     ParamType = "number"
)

// Grant is one RBAC rule a responder needs on the cluster it acts on.
type Grant struct {
	Group    string   // API group, "" for core
	Resource string   // plural, with subresource as "pods/eviction"
	Verbs    []string // "get", "list", "patch", ...
	Local    bool     // people grant it by a Role in each namespace where they want it: no ClusterRole has it
}

// Args are the arguments of a step, resolved: every value is a string, a bool, an int, or a []string, as the Param says.
type Args map[string]any

// Names is the list under the given name; nil when absent.
func (a Args) Names(name string) []string {
	list, _ := a[name].([]string)
	return list
}

// Text is the string under the given name; "" when absent.
func (a Args) Text(name string) string {
	text, _ := a[name].(string)
	return text
}

// Number is the number under the given name; the given default when absent.
func (a Args) Number(name string, otherwise int) int {
	if n, ok := a[name].(int); ok {
		return n
	}
	return otherwise
}

// Env is what a step knows of its surroundings. It is data: nothing in it reaches the world.
type Env struct {
	Cluster  string
	Incident string    // full id
	Plan     string    // digest; empty during Preview
	Step     string    // name of the step
	Now      time.Time // time of the view
	Broken   time.Time // when the fault began, as the view has it; zero: not known
	Lost     []string  // nodes that the fault reaches, as the view has them during Preview: an API server may take them for ready still
	Promises []Promise // what was promised of namespaces of the cluster
}

// Change is what one step will do. It is stored with the plan and covered by the plan's digest.
type Change struct {
	Responder string            `json:"responder"`
	Class     policies.Class    `json:"class"`
	Targets   []policies.Target `json:"targets"`
	Will      []string          `json:"will"`               // what will happen, for people
	Nothing   bool              `json:"nothing,omitempty"`  // all of it is so already
	DurationS float64           `json:"duration_s"`         // expected
	DataLoss  string            `json:"data_loss"`          // what is lost, or empty
	Point     *RecoveryPoint    `json:"point,omitempty"`    // to where it leads back; nil where it brings nothing back
	Warnings  []string          `json:"warnings,omitempty"` // what people must accept
	Facts     []Fact            `json:"facts,omitempty"`    // what people have to know before they agree
	Command   string            `json:"command"`            // what a person would type instead
	Detail    json.RawMessage   `json:"detail,omitempty"`   // the responder's own pinned facts
}

// Outcome says how things stand in the world.
type Outcome string

// The outcomes. The empty outcome is not valid; where nothing is known say OutcomeUnknown.
const (
	OutcomeVerified    Outcome = "verified"     // all of it is so
	OutcomePartly      Outcome = "partly"       // some of it is so
	OutcomeNotVerified Outcome = "not_verified" // it is not so
	OutcomeUnknown     Outcome = "unknown"      // the world could not be asked
)

// Finding is what Verify saw: the outcome, and one sentence for each thing that is not yet so.
type Finding struct {
	Outcome Outcome  `json:"outcome"`
	Detail  []string `json:"detail,omitempty"` // at most 20 sentences
}

const maxDetail = 20

// FindingOf weighs what is not yet so against the number of things that were promised: nothing missing is verified, all of
// it missing is not verified, anything between is partly. It keeps the first 20 sentences and says how many it left out.
func FindingOf(promised int, missing []string) Finding {
	switch {
	case len(missing) == 0:
		return Finding{Outcome: OutcomeVerified}
	case len(missing) >= promised:
		return Finding{Outcome: OutcomeNotVerified, Detail: firstOf(missing)}
	}
	return Finding{Outcome: OutcomePartly, Detail: firstOf(missing)}
}

func firstOf(sentences []string) []string {
	if len(sentences) <= maxDetail {
		return sentences
	}
	kept := slices.Clone(sentences[:maxDetail-1])
	return append(kept, fmt.Sprintf("and %d more", len(sentences)-len(kept)))
}
