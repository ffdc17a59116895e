package rig

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
)

// DeadZone is the zone that Evacuation has die, and DeadNodes are the nodes in it.
const DeadZone = "eu-west-1b"

// DeadNodes are the nodes of DeadZone on a stack of six.
func DeadNodes() []string { return []string{"worker-3", "worker-4"} }

// kubeletDown is the alert about each node of the zone.
const kubeletDown = "KubeletDown"

// Evacuation is what the loss of a zone about which people are asked needs beside the stack: a chat, an address that says whether the shop serves,
// and a workload that cannot leave the zone.
type Evacuation struct {
	Slack   *Workspace
	Ingress *httptest.Server
	unbind  func(context.Context) error
	rig     *Rig
}

// Evacuation prepares it all. The shop serves while so many pods of web bear the load. End must be called.
func (r *Rig) Evacuation(ctx context.Context, least int) (e *Evacuation, err error) {
	e = &Evacuation{rig: r, Ingress: r.Ingress(least)}
	if e.Slack, err = r.Workspace(); err == nil {
		e.unbind, err = r.Bind(ctx, DeadZone)
	}
	if err != nil {
		return nil, errors.Join(err, e.End(ctx))
	}
	return e, nil
}

// Configure has a server ask about zones in the chat, and look at the address.
func (e *Evacuation) Configure(s *Settings) {
	s.Mode, s.Zone, s.Slack = "ask", "ask", e.Slack
	s.Extra += fmt.Sprintf("probes: [{name: shop, url: %q, clusters: [%s], expect: {status: 200}, timeout: 3s}]\n", e.Ingress.URL, Cluster)
}

// Strike kills the nodes of the zone. What scrapes their kubelets says so to Alertmanager, too.
func (e *Evacuation) Strike(ctx context.Context) error {
	var wrong error
	for _, node := range DeadNodes() {
		wrong = errors.Join(wrong, e.rig.Stack.FailNode(ctx, node), e.rig.Alert(ctx, kubeletDown, node))
	}
	return wrong
}

// Heal switches the nodes of the zone on again, and the alerts about them end.
func (e *Evacuation) Heal(ctx context.Context) error {
	var wrong error
	for _, node := range DeadNodes() {
		wrong = errors.Join(wrong, e.rig.Stack.HealNode(ctx, node), e.rig.Resolve(ctx, kubeletDown, node))
	}
	return wrong
}

// Untouched says what Salvor left behind on the nodes of the zone, nil when there is nothing.
func (e *Evacuation) Untouched(ctx context.Context) error {
	var wrong error
	for _, node := range DeadNodes() {
		wrong = errors.Join(wrong, e.rig.Untouched(ctx, node))
	}
	return wrong
}

// End ends the chat, the address and the alerts, and takes the workload away.
func (e *Evacuation) End(ctx context.Context) (wrong error) {
	e.Ingress.Close()
	if e.Slack != nil {
		e.Slack.Close()
	}
	for _, node := range DeadNodes() {
		wrong = errors.Join(wrong, e.rig.Resolve(ctx, kubeletDown, node))
	}
	if e.unbind != nil {
		wrong = errors.Join(wrong, e.unbind(ctx))
	}
	return wrong
}
