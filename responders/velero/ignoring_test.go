package velero

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

// away has Velero stop once it has brought the first of two namespaces back. What is to be told of the second is told to listen.
func (s *stage) away(t *testing.T, listen func(what string, back func())) context.Context {
	var returned atomic.Bool
	s.ignores = func(name string) bool { return strings.Contains(name, "-shop-") && !returned.Load() }
	back := func() {
		returned.Store(true)
		s.server.Play(func(*responderstest.Stage) {})
	}
	return responders.WithProgress(consented(t), func(_, _ int, what string) { listen(what, back) })
}

// TestVeleroReturnsBetweenTwoRestores: people are told what is waited for, and the step goes on when Velero is there again.
func TestVeleroReturnsBetweenTwoRestores(t *testing.T) {
	s := set(t, paying)
	n, e, change := s.planned(t)
	waited := false
	ctx := s.away(t, func(what string, back func()) {
		if strings.HasPrefix(what, "namespaces restored; shop: 0 of 1 restore salvor-") && strings.HasSuffix(what, " begun by Velero") && !waited {
			waited = true
			back()
		}
	})
	if err := n.Apply(ctx, e, change); err != nil || !waited {
		t.Fatalf("people were told that Velero is waited for: %v; error %v", waited, err)
	}
	if found, err := n.Verify(t.Context(), e, change); err != nil || found.Outcome != responders.OutcomeVerified {
		t.Errorf("found %+v, %v", found, err)
	}
}

// TestVeleroStaysAwayBetweenTwoRestores: the step ends in time and says of which namespace and why, and nothing is left that Velero would carry out later.
func TestVeleroStaysAwayBetweenTwoRestores(t *testing.T) {
	s := set(t, paying)
	n, e, change := s.planned(t)
	ctx, cancel := context.WithTimeout(s.away(t, func(string, func()) {}), 2*time.Second)
	defer cancel()
	err := n.Apply(ctx, e, change)
	if err == nil || !strings.Contains(err.Error(), "namespace shop (0 of 1 restore ") || !strings.Contains(err.Error(), "Velero does not run: it has not begun with restores salvor-") || ctx.Err() != nil {
		t.Errorf("error %v, %v", err, ctx.Err())
	}
	left := s.restores(t)
	if len(left) != 1 || strings.Contains(left[0].GetName(), "-shop-") {
		t.Errorf("left are %d restores", len(left))
	}
	if _, err := s.own(t).Resource(namespaces).Get(t.Context(), "pay", metav1.GetOptions{}); err != nil {
		t.Errorf("the first namespace: %v", err)
	}
}

// TestHowLongVeleroIsAwaited: for long where it has worked for the incident, so that it may start elsewhere, and not for long where it never has.
func TestHowLongVeleroIsAwaited(t *testing.T) {
	const (
		mine  = `{apiVersion: velero.io/v1, kind: Restore, metadata: {name: mine, namespace: velero, uid: mine, annotations: {salvor.io/incident: inc-1}}, spec: {}}`
		first = `{apiVersion: velero.io/v1, kind: Restore, metadata: {name: first, namespace: velero, uid: first, annotations: {salvor.io/incident: inc-1}}, spec: {}, status: {phase: Completed, completionTimestamp: "1999-12-31T23:00:00Z"}}`
	)
	for name, c := range map[string]struct {
		other  string
		awayOf time.Duration
		says   string
	}{
		"it has worked and returns":    {first, 9 * time.Minute, ""},
		"it has worked and does not":   {first, time.Hour, "Velero does not run: it has not begun with restores mine for 10m0s"},
		"it works on another":          {strings.Replace(first, "Completed", "InProgress", 1), time.Hour, ""},
		"it never has":                 {strings.Replace(first, "status: {phase: Completed", "status: {phase: New", 1), time.Hour, "has not begun with restores mine for 1m0s"},
		"it has for another incident":  {strings.Replace(first, "inc-1", "inc-2", 1), time.Hour, "has not begun with restores mine for 1m0s"},
		"it never has, and is started": {strings.Replace(first, "inc-1", "inc-2", 1), 50 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := fakeClient(t, mine, c.other)
				o := parse(t, mine)[0].(*unstructured.Unstructured)
				ctx := responders.WithGuard(t.Context(), func(context.Context) error { return nil })
				time.AfterFunc(c.awayOf, func() {
					now := o.DeepCopy()
					now.Object["status"] = map[string]any{"phase": "Completed"}
					_, _ = client.Resource(restores).Namespace("velero").Update(context.Background(), now, metav1.UpdateOptions{})
				})
				_, _, err := world{client, client}.watch(ctx, restores, o, func(progress) {})
				if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("error %v, want %q", err, c.says)
				}
			})
		})
	}
}
