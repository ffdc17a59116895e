package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	authv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/internal/rbac"
	"github.com/salvor-io/salvor/responders"
)

const (
	applyObserve = "kubectl apply: salvor print rbac --role observe --user USER"
	applyAct     = "kubectl apply: salvor print rbac --role act --user USER"
)

// leftOut tells what nobody looks for.
func (s *site) leftOut(without []string) {
	if len(without) > 0 {
		s.ok("left out", "rights that only these need are not asked for, and a plan that wants one of them fails: %s", strings.Join(slices.Sorted(slices.Values(without)), ", "))
	}
}

// observes examines the credentials to observe: every read that is needed, and no right to write.
func (s *site) observes(ctx context.Context, needed map[rbac.Role][]responders.Grant) {
	client := s.observe.Kubernetes
	asked, missing, err := refused(ctx, client, needed[rbac.Observe])
	switch {
	case err != nil:
		s.problem("observe rights", "see whether the credentials are still good", "the API server does not say what they may do: %v", err)
		return
	case len(missing) > 0:
		s.problem("observe rights", applyObserve, "%d of %d reads are refused: %s", len(missing), asked, some(missing))
	default:
		s.ok("observe rights", "all %d reads that are needed are allowed", asked)
	}
	s.observesOnly(ctx, client)
}

func (s *site) observesOnly(ctx context.Context, client kubernetes.Interface) {
	const check = "observe writes nothing"
	held, err := heldBy(ctx, client)
	if err != nil {
		s.warn(check, "see the roles that are bound to the credentials to observe", "cannot tell what else they may do: %v", err)
		return
	}
	writes := held.writes(nil)
	own := slices.DeleteFunc(slices.Clone(writes), isPlatforms)
	switch {
	case len(own) > 0:
		s.problem(check, "bind the credentials to observe to no other role than salvor-observe", "they may also %s", some(own))
	case len(writes) > 0:
		s.warn(check, "usual on OpenShift, which grants it to everybody who is known", "they may also %s", some(writes))
	case held.partly:
		s.ok(check, "no right to write was found, though an authorizer of the API server does not list its rules")
	default:
		s.ok(check, "no right to write, cluster-wide and in %s", strings.Join(looked(), ", "))
	}
}

// actsEnough examines the credentials to act: what responders declare, and not far more.
func (s *site) actsEnough(ctx context.Context, client kubernetes.Interface, needed []responders.Grant) {
	const check = "act rights"
	asked, missing, err := refused(ctx, client, needed)
	switch {
	case err != nil:
		s.problem(check, "see whether the credentials are still good", "the API server does not say what they may do: %v", err)
		return
	case len(missing) > 0:
		s.problem(check, applyAct, "%d of %d accesses that the responders declare are refused: %s", len(missing), asked, some(missing))
	default:
		s.ok(check, "all %d accesses that the responders declare are allowed", asked)
	}
	held, err := heldBy(ctx, client)
	if err != nil {
		s.warn("act has no more", "see the roles that are bound to the credentials to act", "cannot tell what else they may do: %v", err)
		return
	}
	if more := held.writes(needed); len(more) > 0 {
		s.warn("act has no more", "bind the credentials to act to no other role than salvor-act", "they may also %s, which nothing that Salvor is to do needs", some(more))
		return
	}
	s.ok("act has no more", "no other right to write was found")
}

// refused asks for each right and says how many there are and which are refused.
func refused(ctx context.Context, client kubernetes.Interface, needed []responders.Grant) (asked int, missing []string, err error) {
	for _, g := range needed {
		resource, sub, _ := strings.Cut(g.Resource, "/")
		for _, verb := range g.Verbs {
			asked++
			review := &authv1.SelfSubjectAccessReview{Spec: authv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authv1.ResourceAttributes{
				Namespace: namespaceOf(g), Verb: verb, Group: g.Group, Resource: resource, Subresource: sub}}}
			got, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
			if err != nil {
				return asked, missing, err
			}
			if !got.Status.Allowed {
				missing = append(missing, phrase(verb, g.Group, g.Resource))
			}
		}
	}
	return asked, missing, nil
}

// namespaceOf is where a right is needed: everywhere, but for the Leases of nodes, which all are in one namespace.
func namespaceOf(g responders.Grant) string {
	if g.Group == "coordination.k8s.io" && g.Resource == "leases" {
		return corev1.NamespaceNodeLease
	}
	return ""
}

// holding is what credentials may do, as far as the API server lists it.
type holding struct {
	rules  []authv1.ResourceRule
	partly bool
}

// looked are the namespaces whose rules are asked for; those that hold cluster-wide are among the rules of each.
func looked() []string {
	return []string{metav1.NamespaceDefault, metav1.NamespaceSystem, corev1.NamespaceNodeLease}
}

func heldBy(ctx context.Context, client kubernetes.Interface) (holding, error) {
	var h holding
	for _, namespace := range looked() {
		review := &authv1.SelfSubjectRulesReview{Spec: authv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
		got, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return h, err
		}
		h.rules = append(h.rules, got.Status.ResourceRules...)
		h.partly = h.partly || got.Status.Incomplete
	}
	return h, nil
}

// writes are the rights to change something beside those that are needed, as phrases.
func (h holding) writes(needed []responders.Grant) []string {
	var out []string
	for _, rule := range h.rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					if changes(verb, resource) && !aboutOneself(group, resource) && !isNeeded(needed, group, resource, verb) {
						out = append(out, phrase(verb, group, resource))
					}
				}
			}
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

// changes says whether a verb on a resource can change something: what is not known to read does, and to read through a pod
// or a proxy may be to run anything.
func changes(verb, resource string) bool {
	if !slices.Contains([]string{"get", "list", "watch"}, verb) {
		return true
	}
	_, sub, _ := strings.Cut(resource, "/")
	return slices.Contains([]string{"exec", "attach", "portforward", "proxy"}, sub)
}

// aboutOneself is what everybody who is known may ask the API server: who am I, and what may I do.
func aboutOneself(group, resource string) bool {
	return (group == "authorization.k8s.io" || group == "authentication.k8s.io") && strings.HasPrefix(resource, "selfsubject")
}

func isNeeded(needed []responders.Grant, group, resource, verb string) bool {
	return slices.ContainsFunc(needed, func(g responders.Grant) bool {
		return g.Group == group && g.Resource == resource && slices.Contains(g.Verbs, verb)
	})
}

// phrase is a right in words: "delete pods", "patch apps/deployments".
func phrase(verb, group, resource string) string {
	if group == "" {
		return verb + " " + resource
	}
	return fmt.Sprintf("%s %s/%s", verb, group, resource)
}

// isPlatforms says whether a right is one that OpenShift grants to everybody.
func isPlatforms(right string) bool {
	_, what, _ := strings.Cut(right, " ")
	group, _, _ := strings.Cut(what, "/")
	return strings.HasSuffix(group, ".openshift.io")
}
