package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/test/stack"
)

// Disaster is something that goes wrong on the real stack, and the one incident that must come of it.
type Disaster struct {
	Name   string
	Says   string // what is done to the stack
	Nodes  []stack.Node
	Serve  Settings
	Before func(ctx context.Context, r *Rig, s *Server) error // nil: nothing
	Strike func(ctx context.Context, r *Rig, s *Server) error
	Kind   string
	Anchor string
	Finds  string                                  // part of the sentence of the fault
	After  func(ctx context.Context, r *Rig) error // puts right what would keep the stack from stopping; nil: nothing
}

func named(name string) Settings { return Settings{Name: name} }

// Disasters are those that Salvor tells apart, beside a lost node and a lost zone.
func Disasters() []Disaster {
	return []Disaster{regionLost(), dataLost(), badRollout(), intrusion(), observerLost()}
}

func observerLost() Disaster {
	nodes := stack.Nodes(12)
	for i := range nodes {
		nodes[i].Domain = []string{"dark", "light"}[i%2]
	}
	return Disaster{
		Name: "storm", Says: "Six of twelve nodes, all over the zones, go dark at once. That is how a broken observer looks.", Nodes: nodes, Serve: named("storm"),
		Strike: func(ctx context.Context, r *Rig, _ *Server) error { return r.Stack.FailDomain(ctx, "dark") },
		Kind:   "node", Anchor: "cluster/" + Cluster, Finds: "the observer is suspected",
	}
}

func regionLost() Disaster {
	serve := named("region")
	serve.Witness = []string{"witness-us", "witness-ap"}
	var witnesses []*Witness
	return Disaster{
		Name: "region", Says: "Killing the API server. Two witnesses, processes with keys of their own, look at it too.", Serve: serve,
		Before: func(ctx context.Context, r *Rig, s *Server) error {
			for _, name := range serve.Witness {
				w, err := r.Witness(name, s)
				if err != nil {
					return err
				}
				witnesses = append(witnesses, w)
			}
			return Wait(ctx, 90*time.Second, "both witnesses have reported", func(ctx context.Context) (bool, error) {
				metrics, err := s.Metrics(ctx)
				return strings.Count(metrics, `target="apiserver"} 1`) == 3, err
			})
		},
		Strike: func(ctx context.Context, r *Rig, _ *Server) error { return r.Stack.StopAPIServer(ctx) },
		Kind:   "region", Anchor: "region/eu-west-1", Finds: "2 of 2 witnesses cannot reach it",
		After: func(ctx context.Context, r *Rig) error {
			err := r.Stack.StartAPIServer(ctx)
			for _, w := range witnesses {
				err = errors.Join(err, w.Stop())
			}
			return err
		},
	}
}

const claims = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data-%d, namespace: shop}
spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}
---
`

func dataLost() Disaster {
	return Disaster{
		Name: "data", Says: "A person deletes four volume claims of the shop.", Serve: named("data"),
		Before: func(ctx context.Context, r *Rig, s *Server) error {
			var all bytes.Buffer
			for n := range 5 {
				fmt.Fprintf(&all, claims, n)
			}
			if err := r.Stack.Apply(ctx, all.Bytes()); err != nil {
				return err
			}
			return Wait(ctx, 90*time.Second, "Salvor has seen the claims", func(ctx context.Context) (bool, error) {
				metrics, err := s.Metrics(ctx)
				return strings.Contains(metrics, `salvor_objects{cluster="`+Cluster+`",kind="PersistentVolumeClaim"} 5`), err
			})
		},
		Strike: func(ctx context.Context, r *Rig, _ *Server) error {
			_, err := r.Stack.Kubectl(ctx, stack.Human, "delete", "pvc", "-n", Shop, "data-0", "data-1", "data-2", "data-3")
			return err
		},
		Kind: "data", Anchor: "namespace/" + Shop, Finds: "4 volume claims of namespace shop were deleted",
		After: func(ctx context.Context, r *Rig) error {
			return r.Kube.CoreV1().PersistentVolumeClaims(Shop).Delete(ctx, "data-4", metav1.DeleteOptions{})
		},
	}
}

func badRollout() Disaster {
	const bad = `{"spec":{"progressDeadlineSeconds":5,"template":{"spec":{"containers":[{"name":"web","resources":{"requests":{"cpu":"5k"}}}]}}}}`
	return Disaster{
		Name: "config", Says: "A person rolls out a web that asks for 5000 CPUs a pod. No node has that.", Serve: named("config"),
		Strike: func(ctx context.Context, r *Rig, _ *Server) error {
			_, err := r.Kube.AppsV1().Deployments(Shop).Patch(ctx, "web", types.StrategicMergePatchType, []byte(bad), metav1.PatchOptions{FieldManager: "kubectl-edit"})
			return err
		},
		Kind: "config", Anchor: "deployment/" + Shop + "/web", Finds: "its revision changed",
		After: func(ctx context.Context, r *Rig) error {
			const good = `{"spec":{"progressDeadlineSeconds":600,"template":{"spec":{"containers":[{"name":"web","resources":null}]}}}}`
			_, err := r.Kube.AppsV1().Deployments(Shop).Patch(ctx, "web", types.StrategicMergePatchType, []byte(good), metav1.PatchOptions{FieldManager: "kubectl-edit"})
			return err
		},
	}
}

const intruder = `{"uuid":"4d9b","output":"Executing binary not part of base image","priority":"Critical","rule":"Drop and execute new binary in container",
"time":"2026-01-01T00:00:00Z","source":"syscall","hostname":"worker-5","tags":["mitre_persistence"],
"output_fields":{"k8s.ns.name":"shop","k8s.pod.name":"orders-db-0","proc.cmdline":"/tmp/.x/miner"}}`

func intrusion() Disaster {
	return Disaster{
		Name: "security", Says: "Falco's sidekick posts what a rule of Falco saw: a binary that was not in the image runs in orders-db-0.", Serve: named("security"),
		Strike: func(ctx context.Context, r *Rig, s *Server) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL("/v1/events"), strings.NewReader(intruder))
			if err != nil {
				return err
			}
			for key, value := range map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + r.Hook, "Ce-Specversion": "1.0",
				"Ce-Type": "falco.rule.output.v1", "Ce-Source": "falco.org", "Ce-Id": "4d9b", "Ce-Priority": "Critical"} {
				req.Header.Set(key, value)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if said, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)); resp.StatusCode != http.StatusOK {
				return fmt.Errorf("post what Falco saw: %s: %s", resp.Status, said)
			}
			return nil
		},
		Kind: "security", Anchor: "pod/shop/orders-db-0", Finds: "Drop and execute new binary",
	}
}
