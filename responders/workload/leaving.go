package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/policies"
)

// sortOut tells the pods that leave from those that stay, which are counted by the reason. Pods that are on their way out
// already do neither.
func sortOut(pods []corev1.Pod) (leaving []corev1.Pod, staying map[string]int) {
	staying = map[string]int{}
	for _, pod := range pods {
		ok, why := displaceable(pod)
		switch {
		case isTerminating(pod):
		case ok:
			leaving = append(leaving, pod)
		default:
			staying[why]++
		}
	}
	slices.SortFunc(leaving, func(a, b corev1.Pod) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return leaving, staying
}

func willOf(leaving []corev1.Pod) []string {
	if len(leaving) == 0 {
		return []string{"no stateless pod is left to displace"}
	}
	will := []string{count(len(leaving), "stateless pod") + " deleted gracefully, replaced by the controllers elsewhere"}
	scratch := 0
	for _, pod := range leaving {
		if hasScratch(pod) {
			scratch++
		}
	}
	if scratch > 0 {
		will = append(will, "the scratch space (emptyDir) of "+count(scratch, "pod")+" is gone with them")
	}
	return will
}

func staysOf(staying map[string]int) []string {
	if len(staying) == 0 {
		return nil
	}
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(staying)) {
		parts = append(parts, fmt.Sprintf("%d %s", staying[why], why))
	}
	return []string{"these pods stay: " + strings.Join(parts, ", ")}
}

func targetsOf(pods []corev1.Pod) []policies.Target {
	var targets []policies.Target
	for _, pod := range pods {
		targets = append(targets, policies.Target{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)})
	}
	return targets
}

func deleteCommand(pods []corev1.Pod) string {
	byNamespace := map[string][]string{}
	for _, pod := range pods {
		byNamespace[pod.Namespace] = append(byNamespace[pod.Namespace], pod.Name)
	}
	var commands []string
	for _, namespace := range slices.Sorted(maps.Keys(byNamespace)) {
		commands = append(commands, "kubectl delete pod --wait=false -n "+namespace+" "+strings.Join(byNamespace[namespace], " "))
	}
	return strings.Join(commands, " && ")
}
