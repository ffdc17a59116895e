package responderstest

import (
	"encoding/json"
	"errors"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// evict deletes a pod gracefully, unless a disruption budget that selects it allows no disruption. Each eviction uses one up; who
// plays the world gives new ones. A pod that two select is not evicted at all, as with a real API server.
func (s *Server) evict(at place, pod object, body []byte) (any, error) {
	var eviction policyv1.Eviction
	if err := json.Unmarshal(body, &eviction); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	var mine []place
	full := false
	for key, o := range s.objects {
		allows, selects, err := budgetOf(key, o, at, pod)
		switch {
		case err != nil:
			return nil, apierrors.NewBadRequest(err.Error())
		case selects:
			mine, full = append(mine, key), full || allows == 0
		}
	}
	switch {
	case len(mine) > 1:
		return nil, apierrors.NewInternalError(errors.New("this pod has more than one PodDisruptionBudget, which the eviction subresource does not support"))
	case full:
		return nil, apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
	}
	options, err := json.Marshal(eviction.DeleteOptions)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if _, err := s.remove(at, pod, options); err != nil {
		return nil, err
	}
	for _, key := range mine {
		allows, _, _ := unstructured.NestedInt64(s.objects[key], "status", "disruptionsAllowed")
		s.store(key, merge(s.objects[key], object{"status": map[string]any{"disruptionsAllowed": allows - 1}}))
	}
	return metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess}, nil
}

// budgetOf says how many disruptions an object allows, if it is a disruption budget that selects the pod.
func budgetOf(key place, o object, at place, pod object) (allows int32, selects bool, err error) {
	if key.resource != "poddisruptionbudgets" || key.namespace != at.namespace {
		return 0, false, nil
	}
	var budget policyv1.PodDisruptionBudget
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o, &budget); err != nil {
		return 0, false, err
	}
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	if err != nil {
		return 0, false, err
	}
	labelled := &unstructured.Unstructured{Object: pod}
	return budget.Status.DisruptionsAllowed, selector.Matches(labels.Set(labelled.GetLabels())), nil
}
