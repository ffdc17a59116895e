package kube

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/events"
)

// testDeployment is a Deployment of three replicas of version 1, rolled out; edits change it.
func testDeployment(edits ...func(*appsv1.Deployment)) *appsv1.Deployment {
	three := int32(3)
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "uid-web", ResourceVersion: "1", Generation: 1, CreationTimestamp: after(0)},
		Spec:       appsv1.DeploymentSpec{Replicas: &three, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "web:1"}}}}},
		Status: appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3,
			Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Message: `ReplicaSet "web-aaa" has successfully progressed.`}}},
	}
	for _, edit := range edits {
		edit(d)
	}
	return d
}

func image(i string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = i }
}

func generation(wanted, observed int64) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) { d.Generation, d.Status.ObservedGeneration = wanted, observed }
}

func progress(message string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) { d.Status.Conditions[0].Message = message }
}

func replicas(all, updated, ready int32) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas = all, updated, ready
	}
}

func scaled(n int32) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) { d.Spec.Replicas = &n }
}

// TestRevisionsOfADeployment plays what its controller writes during a roll-out, a roll-back and a change of scale.
func TestRevisionsOfADeployment(t *testing.T) {
	rec := newRecorder()
	c := newCensus(testDesk(t, rec), func() map[string]seenWorkload { return workloadsOf("Deployment", rec.KnownWorkloads("c")) }, bareWorkload)
	two := testDeployment(image("web:2"))
	template, err := templateOf(&two.Spec.Template)
	do(t, err)
	aaa, bbb := "deployment/shop/web aaa", "deployment/shop/web bbb"
	unnamed := "deployment/shop/web " + provisional(template)
	one, _ := templateOf(&testDeployment().Spec.Template)
	c.replace(nil, nil, "1")
	for n, step := range []struct {
		edits []func(*appsv1.Deployment)
		want  string // said, or nothing
	}{
		{nil, aaa},
		{[]func(*appsv1.Deployment){scaled(4), generation(2, 1)}, aaa + " sick"},
		{[]func(*appsv1.Deployment){scaled(4), generation(2, 2), replicas(4, 4, 3)}, ""},
		{[]func(*appsv1.Deployment){scaled(4), generation(2, 2), replicas(4, 4, 4)}, aaa},
		{[]func(*appsv1.Deployment){scaled(4), image("web:2"), generation(3, 2), replicas(4, 4, 4)}, unnamed + " sick"},
		{[]func(*appsv1.Deployment){scaled(4), image("web:2"), generation(3, 3), replicas(5, 0, 4)}, ""}, // it still speaks of aaa
		{[]func(*appsv1.Deployment){scaled(4), image("web:2"), generation(3, 3), replicas(5, 1, 4), progress(`Created new replica set "web-bbb"`)}, bbb + " sick"},
		{[]func(*appsv1.Deployment){scaled(4), image("web:2"), generation(3, 3), replicas(5, 4, 4), progress(`ReplicaSet "web-bbb" is progressing.`)}, ""},
		{[]func(*appsv1.Deployment){scaled(4), image("web:2"), generation(3, 3), replicas(4, 4, 4), progress(`ReplicaSet "web-bbb" has successfully progressed.`)}, bbb},
		{[]func(*appsv1.Deployment){scaled(4), image("web:2"), generation(4, 4), replicas(4, 4, 4), progress(`Deployment is paused`)}, ""},
		{[]func(*appsv1.Deployment){scaled(4), generation(5, 5), replicas(4, 0, 4), progress(`ReplicaSet "web-bbb" has successfully progressed.`)}, "deployment/shop/web " + provisional(one) + " sick"},
		{[]func(*appsv1.Deployment){scaled(4), generation(5, 5), replicas(5, 1, 4), progress(`ReplicaSet "web-aaa" is progressing.`)}, aaa + " sick"},
	} {
		before := len(rec.others())
		d := testDeployment(step.edits...)
		d.ResourceVersion = string(rune('2'+n/10)) + string(rune('0'+n%10))
		w, err := projectDeployment(d)
		do(t, err)
		c.put(w)
		c.desk.out.flush()
		var want []string
		if step.want != "" {
			want = []string{step.want}
		}
		if diff := cmp.Diff(want, append([]string(nil), rec.others()[before:]...)); diff != "" {
			t.Errorf("step %d: %s", n, diff)
		}
	}
	again := newCensus(testDesk(t, rec), c.known, bareWorkload)
	again.replace(nil, nil, "99")
	again.desk.out.flush()
	if !rec.heard("deployment/shop/web found gone")() {
		t.Error("its end while nobody looked was not told")
	}
}

func TestProjectWorkloads(t *testing.T) {
	at := after(5)
	d := testDeployment(replicas(4, 3, 3), func(d *appsv1.Deployment) {
		d.Status.Conditions = append(d.Status.Conditions, appsv1.DeploymentCondition{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate"})
		d.ManagedFields = []metav1.ManagedFieldsEntry{
			{Manager: "kubectl-edit", Operation: "Update", Time: &at}, {Manager: "helm", Operation: "Apply", Time: &metav1.Time{Time: noon}},
			{Manager: "kube-controller-manager", Operation: "Update", Time: &metav1.Time{Time: after(9).Time}}, {Manager: "x", Subresource: "scale", Time: &metav1.Time{Time: after(9).Time}}, {Manager: "y"}}
		spec := &d.Spec.Template.Spec
		spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "tls"}}},
			{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "ca"}}}}}}}}
		spec.InitContainers = []corev1.Container{{EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "ca"}}}}}}
		spec.Containers[0].Env = []corev1.EnvVar{{ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}, {Name: "plain"}}
	})
	got, err := projectDeployment(d)
	do(t, err)
	want := events.Workload{Kind: "Deployment", Namespace: "shop", Name: "web", UID: "uid-web", ResourceVersion: "1", Created: noon, Generation: 1, Observed: 1,
		Revision: "aaa", Desired: 3, Updated: 3, Ready: 2, Stuck: "FailedCreate", Changed: events.Change{By: "kubectl-edit", At: at.UTC(), Op: "Update"},
		Uses: []events.Ref{{Kind: "ConfigMap", Name: "ca"}, {Kind: "Secret", Name: "db"}, {Kind: "Secret", Name: "tls"}}}
	if diff := cmp.Diff(want, got.Workload); diff != "" {
		t.Error(diff)
	}

	two, one := int32(2), int32(1)
	s := &appsv1.StatefulSet{ObjectMeta: d.ObjectMeta, Spec: appsv1.StatefulSetSpec{Replicas: &two}, Status: appsv1.StatefulSetStatus{
		ObservedGeneration: 1, UpdateRevision: "db-77", Replicas: 2, ReadyReplicas: 2, UpdatedReplicas: 1}}
	if got, err := projectStatefulSet(s); err != nil || got.Revision != "db-77" || got.Healthy() || got.Ready != 1 {
		t.Errorf("in mid roll-out: %+v, %v", got, err)
	}
	s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: &one}
	if got, err := projectStatefulSet(s); err != nil || !got.Healthy() {
		t.Errorf("held back by its partition: %+v, %v", got, err)
	}
	ds := &appsv1.DaemonSet{ObjectMeta: d.ObjectMeta, Status: appsv1.DaemonSetStatus{ObservedGeneration: 1, DesiredNumberScheduled: 5, CurrentNumberScheduled: 5, UpdatedNumberScheduled: 5, NumberReady: 5}}
	ds.Annotations = map[string]string{appsv1.DeprecatedTemplateGeneration: "4"}
	if got, err := projectDaemonSet(ds); err != nil || !got.Healthy() || got.Revision != "4" || got.template != 0 {
		t.Errorf("daemon set: %+v, %v", got, err)
	}
	ds.Annotations = map[string]string{appsv1.DeprecatedTemplateGeneration: "<script>"}
	if got, err := projectDaemonSet(ds); err != nil || got.Revision != "" || got.template == 0 {
		t.Errorf("daemon set with an odd annotation: %+v, %v", got, err)
	}
}

func FuzzProjectWorkload(f *testing.F) {
	data, _ := json.Marshal(testDeployment())
	f.Add(data)
	f.Add([]byte(`{"spec":{"template":{"spec":{"volumes":[{"configMap":{}}]}}},"status":{"conditions":[{"type":"Progressing","message":"\"web-"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, s, ds := testDeployment(), &appsv1.StatefulSet{ObjectMeta: testDeployment().ObjectMeta}, &appsv1.DaemonSet{ObjectMeta: testDeployment().ObjectMeta}
		for _, read := range []func() (seenWorkload, error){
			func() (seenWorkload, error) { _ = json.Unmarshal(data, d); return projectDeployment(d) },
			func() (seenWorkload, error) { _ = json.Unmarshal(data, s); return projectStatefulSet(s) },
			func() (seenWorkload, error) { _ = json.Unmarshal(data, ds); return projectDaemonSet(ds) },
		} {
			if w, err := read(); err == nil {
				w, _ = w.after(nil)
				fits(t, w, func(back events.Workload) uint64 { return seenWorkload{Workload: back}.digest() })
			}
		}
	})
}
