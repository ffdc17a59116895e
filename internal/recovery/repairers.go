package recovery

import "github.com/salvor-io/salvor/policies"

// Others says who else repairs nodes of a cluster, by the names that people give them, and whether that is all that can
// repair them. It answers at once, from what was seen last.
type Others interface {
	Repairers(cluster string) (names []string, known bool)
}

// others adds who else repairs nodes of the cluster. Where that is not known nobody is taken to be alone: nothing acts by itself.
func (e *Engine) others(q *policies.Question) {
	names, known := e.Others.Repairers(q.Cluster.Name)
	q.View.Repairers = nonNil(names)
	if !known {
		q.Unknown = append(q.Unknown, "view.repairers")
	}
}
