package recovery

import "github.com/salvor-io/salvor/policies"

// Others says who else repairs nodes of a cluster, by the names that people give them, and whether that is all that can
// repair them. It answers at once, from what was seen last.
type Others interface {
	Repairers(cluster string) (names []string, known bool)
}

// Beside adds to what the engine asks the view who else is at work beside Salvor. With sights that do not know, nobody is
// taken to be alone: the fact is unknown, and nothing acts by itself.
func Beside(others Others, sights Sights) Sights { return beside{sights, others} }

type beside struct {
	Sights
	Others
}

// others adds who else repairs nodes of the cluster.
func (e *Engine) others(q *policies.Question) {
	if all, ok := e.Sights.(Others); ok {
		names, known := all.Repairers(q.Cluster.Name)
		q.View.Repairers = nonNil(names)
		if known {
			return
		}
	}
	q.Unknown = append(q.Unknown, "view.repairers")
}
