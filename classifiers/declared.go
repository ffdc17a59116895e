package classifiers

import (
	"fmt"
	"slices"
	"strings"
)

// Declared finds what people declare: a fault that nothing has told of yet, or that nothing else ever tells of. It is tied to exactly
// what the classifier of its kind would tie it to, so that what is declared and what is detected are one fault; see [Classify]. A
// person needs no confirmation, and stands for one source: a fault that only people tell of is single-sourced.
//
// People say that something is broken; they do not say which machines are. The nodes of a declared zone or region are those that are
// seen to be lost now, and none when nobody sees: a healthy node never becomes a target because its zone was declared. A node that is
// named itself is in the scope of its fault, well or not, beside the signals that say that it is well. A declared pod does not bring
// its node into the scope.
//
// What is declared has to exist: a node or a workload that is replaced by another of its name is not what was meant. A namespace may
// be one that was deleted, as long as that is remembered, when its data is what is declared. Of pods the view knows only those in
// trouble, hence a declared pod stands as long as its namespace does.
type Declared struct {
	Region Region // says how regions are named
}

// Classify implements Classifier.
func (c Declared) Classify(v *View) []Finding {
	var out []Finding
	for _, cluster := range v.sorted() {
		standing := cluster.Standing(v.Now)
		if len(standing) == 0 {
			continue
		}
		look := lookAtNodes(v, cluster)
		for _, d := range standing {
			if f, ok := c.finding(look, d); ok {
				out = append(out, f)
			}
		}
	}
	return out
}

func (c Declared) finding(look nodeLook, d DeclaredView) (Finding, bool) {
	anchor, err := ReadAnchor(Kind(d.Kind), d.Anchor+"/"+d.Name)
	if err != nil {
		return Finding{}, false
	}
	f := Fault{Kind: Kind(d.Kind), Cluster: look.cluster.Name, Anchor: anchor, Since: d.At, Broken: d.Since}
	if _, there := c.extend(look, &f, d.UID); !there {
		return Finding{}, false
	}
	said := Signal{Name: "a person", Source: SourcePeople, Asked: true, Agrees: true,
		Detail: fmt.Sprintf("%s declared it at %s: %s", d.By, d.At.UTC().Format("15:04:05"), d.Reason)}
	f.Signals, f.Evidence = slices.Insert(f.Signals, 0, said), slices.Insert(f.Evidence, 0, d.Evidence)
	f.Sentence = fmt.Sprintf("%s declared %s: %s", d.By, f.declared(), d.Reason)
	if d.Runbook != "" {
		f.Sentence = fmt.Sprintf("%s runs %s on %s %s: %s", d.By, d.Runbook, anchor.Kind, anchor.Name, d.Reason)
	}
	return Finding{Fault: f}, true
}

// declared is what a person says who declares the fault.
func (f Fault) declared() string {
	what := f.Anchor.Kind + " " + f.Anchor.Name
	switch f.Kind {
	case KindData:
		return "the data of " + what + " lost"
	case KindConfig:
		return what + " broken"
	case KindSecurity:
		return what + " compromised"
	}
	return what + " lost"
}

// Declared says whether people are among those who tell of the fault.
func (f Fault) Declared() bool {
	return slices.ContainsFunc(f.Signals, func(s Signal) bool { return s.Source == SourcePeople })
}

// unite makes one finding of what is both detected and declared: the detected one, which people tell of too. It needs no more
// confirmation then, and is acted on though it was so when Salvor first looked.
func unite(all []Finding) []Finding {
	var declared []Finding
	for _, f := range all {
		if f.Declared() {
			declared = append(declared, f)
		}
	}
	if len(declared) == 0 {
		return all
	}
	out := slices.DeleteFunc(all, func(f Finding) bool { return f.Declared() })
	for _, d := range declared {
		at := slices.IndexFunc(out, func(f Finding) bool {
			return f.Kind == d.Kind && f.Cluster == d.Cluster && f.Anchor.Identity() == d.Anchor.Identity()
		})
		if at < 0 {
			out = append(out, d)
			continue
		}
		out[at].join(d)
	}
	return out
}

// join takes in what people declare of the same fault.
func (f *Finding) join(d Finding) {
	f.Signals = append(f.Signals, d.Signals[0])
	f.Evidence = append(f.Evidence, d.Evidence[0])
	f.began(d.Since)
	f.Sentence = strings.TrimSuffix(f.Sentence, onlyAPIServer) + "; " + d.Sentence
	f.Window, f.Standing, f.Broken = 0, false, d.Broken
}
