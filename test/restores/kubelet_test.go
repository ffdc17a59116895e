package restores

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/salvor-io/salvor/test/stack"
)

// workbench is a node on which commands of pods really run, as processes of this machine: those of other nodes are only said to. Where a container
// mounts a volume the process finds the volume's folder, for the mount path stands in its command. Only pods that tolerate its taint come to it.
const workbench = "workbench"

// kubelet plays the kubelet of the workbench.
type kubelet struct {
	*cluster
	client kubernetes.Interface
}

// startWorkbench adds the node to a cluster, until the test ends.
func (c *cluster) startWorkbench(t *testing.T) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig(stack.Admin))
	if err != nil {
		t.Fatal(err)
	}
	k := kubelet{cluster: c}
	if k.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := k.register(ctx); err != nil {
		t.Fatal(err)
	}
	mine := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("spec.nodeName", workbench).String()}
	pods, err := k.client.CoreV1().Pods("").Watch(ctx, mine)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { k.renew(ctx, t) })
	running.Go(func() { k.serve(ctx, t, pods) })
	t.Cleanup(func() {
		cancel()
		pods.Stop()
		running.Wait()
		_ = k.client.CoreV1().Nodes().Delete(context.WithoutCancel(ctx), workbench, metav1.DeleteOptions{})
	})
}

// register makes the node, ready for pods that tolerate its taint.
func (k kubelet) register(ctx context.Context) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: workbench, Labels: labels.Set{corev1.LabelHostname: workbench}},
		Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: workbench, Effect: corev1.TaintEffectNoSchedule}}}}
	if _, err := k.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return err
	}
	ready := `{"status":{"capacity":{"pods":"10","cpu":"1","memory":"1Gi"},"allocatable":{"pods":"10","cpu":"1","memory":"1Gi"},"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady"}]}}`
	if _, err := k.client.CoreV1().Nodes().Patch(ctx, workbench, types.MergePatchType, []byte(ready), metav1.PatchOptions{}, "status"); err != nil {
		return err
	}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: workbench, Namespace: corev1.NamespaceNodeLease}, Spec: coordinationv1.LeaseSpec{
		HolderIdentity: new(workbench), LeaseDurationSeconds: new(int32(40)), RenewTime: new(metav1.NowMicro())}}
	_, err := k.client.CoordinationV1().Leases(lease.Namespace).Create(ctx, lease, metav1.CreateOptions{})
	return err
}

// renew says every 10 s that the node is alive, as a kubelet does.
func (k kubelet) renew(ctx context.Context, t *testing.T) {
	leases := k.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		lease, err := leases.Get(ctx, workbench, metav1.GetOptions{})
		if err == nil {
			lease.Spec.RenewTime = new(metav1.NowMicro())
			_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
		}
		if err != nil && ctx.Err() == nil {
			t.Errorf("renew the lease of %s: %v", workbench, err)
		}
	}
}

// serve runs each pod that comes to the node, once.
func (k kubelet) serve(ctx context.Context, t *testing.T, pods watch.Interface) {
	for event := range pods.ResultChan() {
		pod, ok := event.Object.(*corev1.Pod)
		switch {
		case !ok || event.Type == watch.Deleted:
		case pod.DeletionTimestamp != nil:
			_ = k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))})
		case pod.Status.Phase == corev1.PodPending:
			if err := k.run(ctx, pod); err != nil && ctx.Err() == nil {
				t.Errorf("run pod %s/%s: %v", pod.Namespace, pod.Name, err)
			}
		}
	}
}

// run runs the one container of a pod, and says how it ended.
func (k kubelet) run(ctx context.Context, pod *corev1.Pod) error {
	container := pod.Spec.Containers[0]
	dirs, err := k.mounts(ctx, pod, container)
	if err != nil {
		return err
	}
	var argv []string
	for _, word := range append(container.Command, container.Args...) {
		argv = append(argv, dirs.Replace(word))
	}
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput() //nolint:gosec // what the test itself wrote
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	ended := &corev1.ContainerStateTerminated{Message: strings.TrimSpace(string(out)), FinishedAt: metav1.Now()}
	pod.Status.Phase = corev1.PodSucceeded
	if exit != nil {
		pod.Status.Phase, ended.ExitCode = corev1.PodFailed, int32(exit.ExitCode()) //nolint:gosec // it is below 256
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: container.Name, Image: container.Image, State: corev1.ContainerState{Terminated: ended}}}
	_, err = k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}

// mounts replaces the paths of mounts by the folders of the volumes.
func (k kubelet) mounts(ctx context.Context, pod *corev1.Pod, container corev1.Container) (*strings.Replacer, error) {
	var pairs []string
	for _, mount := range container.VolumeMounts {
		for _, volume := range pod.Spec.Volumes {
			if volume.Name != mount.Name || volume.PersistentVolumeClaim == nil {
				continue
			}
			dir, err := k.folder(ctx, pod.Namespace, volume.PersistentVolumeClaim.ClaimName)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, mount.MountPath, dir)
		}
	}
	return strings.NewReplacer(pairs...), nil
}

func (k kubelet) folder(ctx context.Context, namespace, name string) (string, error) {
	claim, err := k.client.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	volume, err := k.client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return k.VolumeDir(volume.Spec.CSI.VolumeHandle), nil
}
