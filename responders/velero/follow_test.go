package velero

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// TestAMomentOfSilence has the API server fail while a restore is watched: what runs is not given up for that, but for a refusal it is.
func TestAMomentOfSilence(t *testing.T) {
	for says, answers := range map[string][]error{
		"":          {errors.New("connection refused"), apierrors.NewServiceUnavailable("starting"), apierrors.NewTooManyRequests("busy", 1), nil},
		"forbidden": {nil, apierrors.NewForbidden(restores.GroupResource(), "r", errors.New("no more"))},
	} {
		restore := parse(t, `{apiVersion: velero.io/v1, kind: Restore, metadata: {name: r, namespace: velero, uid: r}, spec: {}, status: {phase: InProgress}}`)[0].(*unstructured.Unstructured)
		client, asked := fakeClient(t), 0
		client.PrependReactor("get", restores.Resource, func(clienttesting.Action) (bool, runtime.Object, error) {
			var err error
			now := restore.DeepCopy()
			if asked < len(answers) {
				err = answers[asked]
			} else {
				_ = unstructured.SetNestedField(now.Object, "Completed", "status", "phase")
			}
			asked++
			return true, now, err
		})
		_, status, err := world{client, client}.watch(t.Context(), restores, restore, func(progress) {})
		switch {
		case says == "" && (err != nil || status.Phase != "Completed"):
			t.Errorf("it is %s, error %v", status.Phase, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("error %v, want %q", err, says)
		}
	}
}
