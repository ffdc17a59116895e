package kube

import "k8s.io/apimachinery/pkg/util/resourceversion"

// older says whether resource version a was written before b. Versions that cannot be compared are never older: what
// arrived last counts.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}
