package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

const (
	voteRounds = 4 // each fails one node of each zone: more at once, and the zone would be what is lost
	voteGap    = time.Second
)

// voteSettings are those of writes, but that a person is asked about each plan.
func voteSettings() rig.Settings {
	s := writeSettings
	s.Name, s.Mode = "vote", "ask"
	return s
}

// measureVoteToEffect has a person approve of one plan after the other, and compares when the vote was sent with when the API server
// got the first write about the node.
func measureVoteToEffect(ctx context.Context, b *bench) (rows []row, err error) {
	r, err := b.stack(ctx)
	if err != nil {
		return nil, err
	}
	s, err := serve(ctx, r, voteSettings())
	if err != nil {
		return nil, err
	}
	defer closing(&err, s.Stop)
	if err := r.Deploy(ctx, 30, 2); err != nil {
		return nil, err
	}
	var sent []ballot
	for i := range voteRounds {
		nodes := nodesOf([]string{"salvor", "stock"}[i%2])
		say("round %d of %d: %d nodes are lost, and a person approves of one plan after the other", i+1, voteRounds, len(nodes))
		voted, err := loseAndVote(ctx, r, s, nodes)
		if err != nil {
			return nil, err
		}
		sent = append(sent, voted...)
	}
	answered, wrote, err := votesToWrites(r, sent)
	if err != nil {
		return nil, err
	}
	if _, err := r.Stack.Kubectl(ctx, stack.Admin, "delete", "namespace", rig.Shop); err != nil {
		return nil, err
	}
	compared := fmt.Sprintf("p99 from the moment the deciding vote was sent (POST, over the open connection) until the API server got the first write of salvor-act about "+
		"the node (its audit log); p50 %.1f ms, that of the answer to the vote %.1f; no peer; votes without a write: 0 of %d", median(wrote), median(answered), len(sent))
	return []row{newRow("vote_to_effect_p99_ms", "ms", atMost(100), spread(wrote, 0.99), compared)}, nil
}

// ballot is one vote: what it was about, when it was sent, and how long the answer took.
type ballot struct {
	anchor string
	sent   time.Time
	took   time.Duration
}

// loseAndVote fails the nodes, waits until a person is asked about each, approves of them in turn, and waits until all is over.
func loseAndVote(ctx context.Context, r *rig.Rig, s *rig.Server, nodes []string) ([]ballot, error) {
	if err := seen(ctx, s, 3*zones); err != nil {
		return nil, err
	}
	if err := killApart(ctx, r, nodes, writeGap); err != nil {
		return nil, err
	}
	if err := states(ctx, s, len(nodes), incident.Awaiting); err != nil {
		return nil, err
	}
	if err := shunned(ctx, r, len(nodes)); err != nil {
		return nil, err
	}
	voted, err := approveAll(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := states(ctx, s, len(nodes), incident.Recovered, incident.HandedOver); err != nil {
		return nil, err
	}
	for _, node := range nodes {
		if err := r.Stack.HealNode(ctx, node); err != nil {
			return nil, err
		}
	}
	return voted, states(ctx, s, 0, incident.Ended)
}

// shunned waits until Kubernetes places no pods on so many silent nodes: a pod that came to one of them from another would make its plan
// worse than the one that was approved of, and it would be asked about again.
func shunned(ctx context.Context, r *rig.Rig, nodes int) error {
	return rig.Wait(ctx, 3*time.Minute, "the silent nodes are tainted", func(ctx context.Context) (bool, error) {
		list, err := r.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		silent := slices.DeleteFunc(list.Items, func(n corev1.Node) bool {
			return !slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool {
				return t.Key == corev1.TaintNodeUnreachable && t.Effect == corev1.TaintEffectNoExecute
			})
		})
		return len(silent) == nodes, nil
	})
}

// approveAll approves of what is asked about, one plan after the other.
func approveAll(ctx context.Context, s *rig.Server) ([]ballot, error) {
	var asked []api.Approval
	if err := s.Call(ctx, http.MethodGet, "/v1/approvals", nil, &asked); err != nil {
		return nil, err
	}
	var voted []ballot
	for _, a := range asked {
		var answer api.SaidAnswer
		b := ballot{anchor: a.Proposal.Targets[0].String(), sent: time.Now()} // every plan begins with its node
		err := s.Call(ctx, http.MethodPost, "/v1/incidents/"+string(a.Incident)+"/votes", api.SayRequest{Says: incident.Approve, Plan: a.Plan}, &answer)
		if err != nil {
			return nil, err
		}
		b.took = time.Since(b.sent)
		voted = append(voted, b)
		if err := pause(ctx, voteGap); err != nil {
			return nil, err
		}
	}
	return voted, nil
}

// votesToWrites are how long the answers and the writes took, in milliseconds. A vote that nothing was written after is an error.
func votesToWrites(r *rig.Rig, votes []ballot) (answered, wrote []float64, err error) {
	log, err := r.Stack.AuditLog()
	if err != nil {
		return nil, nil, err
	}
	if len(votes) == 0 {
		return nil, nil, errors.New("nobody was asked about anything")
	}
	for _, b := range votes {
		at, ok := firstWrite(log, b.anchor, b.sent)
		if !ok {
			return nil, nil, fmt.Errorf("nothing was written about %s after the vote", b.anchor)
		}
		answered, wrote = append(answered, inMillis(b.took)), append(wrote, inMillis(at.Sub(b.sent)))
	}
	return answered, wrote, nil
}
