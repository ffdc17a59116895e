package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
)

// Runbooks names the runbooks that there are for a kind of fault.
type Runbooks interface {
	Runbooks(kind classifiers.Kind) []string
	IsReturn(name string) bool // it is run for no fault, only to take back what another one did
}

// RunRequest is that the caller wants a runbook to run.
type RunRequest struct {
	Cluster string            `json:"cluster"`
	Runbook string            `json:"runbook"`
	With    map[string]string `json:"with"`   // what it runs on, by its one argument: "node": "worker-7"
	For     string            `json:"for"`    // how long what it did stays unless the run is taken back, a duration such as "4h"
	Reason  string            `json:"reason"` // for whoever is asked
}

// arguments are what a runbook for a kind of fault is told to run on.
var arguments = map[classifiers.Kind]string{classifiers.KindNode: "node", classifiers.KindZone: "zone", classifiers.KindRegion: "region",
	classifiers.KindData: "namespace", classifiers.KindConfig: "workload", classifiers.KindSecurity: "object"}

// run declares, in the name of the caller, the fault that a runbook recovers, to be recovered by that runbook alone. All else is as with any
// fault: what policy says of the plan, whom it asks, and what holds it back. Who wants it does not approve of it.
func (a *API) run(w http.ResponseWriter, r *http.Request) error {
	asked, err := readBody[RunRequest](w, r)
	if err != nil {
		return badRun(asked, err.Error(), "give cluster, runbook, with, for (such as 4h) and reason")
	}
	kind, err := a.runs(asked)
	if err != nil {
		return err
	}
	name, err := asked.on(kind)
	if err != nil {
		return err
	}
	return a.declares(w, r, DeclareRequest{Cluster: asked.Cluster, Kind: string(kind), Name: name, For: asked.For, Reason: asked.Reason}, asked.Runbook)
}

// runs finds the kind of fault that a runbook recovers.
func (a *API) runs(asked RunRequest) (classifiers.Kind, error) {
	var all []string
	for _, kind := range classifiers.Kinds() {
		names := a.Runbooks.Runbooks(kind)
		if slices.Contains(names, asked.Runbook) {
			return kind, nil
		}
		all = append(all, names...)
	}
	if a.Runbooks.IsReturn(asked.Runbook) {
		return "", badRun(asked, "it is only the way back from what another runbook did", "run what it is the way back from, and have that taken back: salvor stop --undo, or salvor declare --end")
	}
	return "", &Refusal{http.StatusNotFound, "run " + asked.Runbook, fmt.Sprintf("no runbook is named %q", asked.Runbook), "run one that there is: " + few(all)}
}

// on is what a run is to be on, by the one argument that runbooks for a kind of fault have.
func (asked RunRequest) on(kind classifiers.Kind) (string, error) {
	argument := arguments[kind]
	give := fmt.Sprintf("give --with %s=NAME", argument)
	for given := range asked.With {
		if given != argument {
			return "", badRun(asked, fmt.Sprintf("%.80q is no argument of it", given), give+", and nothing else")
		}
	}
	name := strings.TrimSpace(asked.With[argument])
	switch {
	case name == "" && kind != classifiers.KindRegion:
		return "", badRun(asked, "it is not said what it is to run on", give)
	case strings.ContainsAny(name, ",*?"):
		return "", badRun(asked, fmt.Sprintf("%.80q names more than one %s, and each is decided upon by itself", name, argument), "run it once for each")
	}
	return name, nil
}

// taken says that another runbook has recovered what a runbook is to run on, and that what it did stays: nothing would come of a second one.
func (a *API) taken(about claim, runbook string) error {
	for _, inc := range a.Index.Incidents() {
		f := inc.Fault
		if inc.State != incident.Recovered || inc.Key.Cluster != about.cluster || f.Kind != about.kind || f.Anchor.Kind != about.anchor.Kind || f.Anchor.Name != about.anchor.Name {
			continue
		}
		if runbook != "" && inc.Plan != nil && inc.Plan.Runbook != runbook {
			return &Refusal{http.StatusConflict, "run " + runbook, fmt.Sprintf("%s has run %s on %s of %s, and what it did stays as yet", inc.Name(), inc.Plan.Runbook, f.Anchor, about.cluster),
				fmt.Sprintf("have that end first: salvor declare --end %s --cluster %s", about, about.cluster)}
		}
	}
	return nil
}

func badRun(asked RunRequest, why, do string) error {
	return &Refusal{http.StatusBadRequest, strings.TrimSpace("run " + asked.Runbook), why, do}
}
