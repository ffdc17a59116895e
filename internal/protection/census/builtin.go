package census

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/internal/protection"
)

// most bounds how many objects of a kind are read, and page how many at a time.
const (
	most = 20000
	page = 500
)

// pages calls for page after page of a list.
func pages(ctx context.Context, list func(opts metav1.ListOptions) (metav1.ListInterface, int, error)) error {
	opts := metav1.ListOptions{Limit: page}
	for seen := 0; ; {
		got, n, err := list(opts)
		if err != nil {
			return err
		}
		seen += n
		if opts.Continue = got.GetContinue(); opts.Continue == "" {
			return nil
		}
		if seen >= most {
			return errTooMany
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (t *taking) namespaces(ctx context.Context) error {
	return pages(ctx, func(opts metav1.ListOptions) (metav1.ListInterface, int, error) {
		list, err := t.clients.Kubernetes.CoreV1().Namespaces().List(ctx, opts)
		if err != nil {
			return nil, 0, err
		}
		for i := range list.Items {
			t.census.Namespaces = append(t.census.Namespaces, protection.Namespace{Name: list.Items[i].Name, Labels: list.Items[i].Labels})
		}
		return list, len(list.Items), nil
	})
}

func (t *taking) claims(ctx context.Context) error {
	return pages(ctx, func(opts metav1.ListOptions) (metav1.ListInterface, int, error) {
		list, err := t.clients.Kubernetes.CoreV1().PersistentVolumeClaims("").List(ctx, opts)
		if err != nil {
			return nil, 0, err
		}
		for i := range list.Items {
			t.census.Claims = append(t.census.Claims, claimOf(&list.Items[i]))
		}
		return list, len(list.Items), nil
	})
}

func claimOf(c *corev1.PersistentVolumeClaim) protection.Claim {
	out := protection.Claim{Namespace: c.Namespace, Name: c.Name, UID: string(c.UID), Labels: c.Labels, Created: c.CreationTimestamp.Time,
		Bound: c.Status.Phase == corev1.ClaimBound || c.Status.Phase == corev1.ClaimLost}
	if c.Spec.StorageClassName != nil {
		out.Class = *c.Spec.StorageClassName
	}
	return out
}

// classes reads how volumes are made, and which drivers make them by CSI.
func (t *taking) classes(ctx context.Context) error {
	drivers := pages(ctx, func(opts metav1.ListOptions) (metav1.ListInterface, int, error) {
		list, err := t.clients.Kubernetes.StorageV1().CSIDrivers().List(ctx, opts)
		if err != nil {
			return nil, 0, err
		}
		for i := range list.Items {
			t.census.Drivers = append(t.census.Drivers, list.Items[i].Name)
		}
		return list, len(list.Items), nil
	})
	return errors.Join(drivers, pages(ctx, func(opts metav1.ListOptions) (metav1.ListInterface, int, error) {
		list, err := t.clients.Kubernetes.StorageV1().StorageClasses().List(ctx, opts)
		if err != nil {
			return nil, 0, err
		}
		for i := range list.Items {
			t.census.Classes = append(t.census.Classes, protection.StorageClass{Name: list.Items[i].Name, Driver: list.Items[i].Provisioner})
		}
		return list, len(list.Items), nil
	}))
}

// workloads reads what runs: that there is nothing of one kind says nothing of the others.
func (t *taking) workloads(ctx context.Context) error {
	return errors.Join(t.deployments(ctx), t.statefulSets(ctx), t.daemonSets(ctx), t.cronJobs(ctx))
}

func (t *taking) deployments(ctx context.Context) error {
	return pages(ctx, func(opts metav1.ListOptions) (metav1.ListInterface, int, error) {
		list, err := t.clients.Kubernetes.AppsV1().Deployments("").List(ctx, opts)
		if err != nil {
			return nil, 0, err
		}
		for i := range list.Items {
			d := &list.Items[i]
			t.census.Workloads = append(t.census.Workloads, workloadOf("Deployment", &d.ObjectMeta, &d.Spec.Template))
		}
		return list, len(list.Items), nil
	})
}

func (t *taking) daemonSets(ctx context.Context) error {
	return pages(ctx, func(opts metav1.ListOptions) (metav1.ListInterface, int, error) {
		list, err := t.clients.Kubernetes.AppsV1().DaemonSets("").List(ctx, opts)
		if err != nil {
			return nil, 0, err
		}
		for i := range list.Items {
			d := &list.Items[i]
			t.census.Workloads = append(t.census.Workloads, workloadOf("DaemonSet", &d.ObjectMeta, &d.Spec.Template))
		}
		return list, len(list.Items), nil
	})
}

func (t *taking) statefulSets(ctx context.Context) error {
	return pages(ctx, func(opts metav1.ListOptions) (metav1.ListInterface, int, error) {
		list, err := t.clients.Kubernetes.AppsV1().StatefulSets("").List(ctx, opts)
		if err != nil {
			return nil, 0, err
		}
		for i := range list.Items {
			s := &list.Items[i]
			w := workloadOf("StatefulSet", &s.ObjectMeta, &s.Spec.Template)
			for _, c := range s.Spec.VolumeClaimTemplates {
				w.Prefixes = append(w.Prefixes, fmt.Sprintf("%s-%s-", c.Name, s.Name))
			}
			t.census.Workloads = append(t.census.Workloads, w)
		}
		return list, len(list.Items), nil
	})
}

func (t *taking) cronJobs(ctx context.Context) error {
	return pages(ctx, func(opts metav1.ListOptions) (metav1.ListInterface, int, error) {
		list, err := t.clients.Kubernetes.BatchV1().CronJobs("").List(ctx, opts)
		if err != nil {
			return nil, 0, err
		}
		for i := range list.Items {
			c := &list.Items[i]
			t.census.Workloads = append(t.census.Workloads, workloadOf("CronJob", &c.ObjectMeta, &c.Spec.JobTemplate.Spec.Template))
			if job, looksSo := etcdJob(c); looksSo {
				t.census.EtcdJobs = append(t.census.EtcdJobs, job)
			}
		}
		return list, len(list.Items), nil
	})
}

// workloadOf keeps the labels of a workload and of its pods: people pick by either.
func workloadOf(kind string, meta *metav1.ObjectMeta, template *corev1.PodTemplateSpec) protection.Workload {
	labels := protection.Labels{}
	maps.Copy(labels, template.Labels)
	maps.Copy(labels, meta.Labels)
	w := protection.Workload{Kind: kind, Namespace: meta.Namespace, Name: meta.Name, Labels: labels}
	for _, v := range template.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			w.Claims = append(w.Claims, v.PersistentVolumeClaim.ClaimName)
		}
	}
	return w
}

// etcdJob guesses by its name and its images whether a CronJob makes snapshots of etcd.
func etcdJob(c *batchv1.CronJob) (protection.EtcdJob, bool) {
	text := c.Name
	for _, container := range c.Spec.JobTemplate.Spec.Template.Spec.Containers {
		text += " " + container.Image + " " + strings.Join(container.Command, " ")
	}
	if !strings.Contains(text, "etcd") || !strings.Contains(text, "backup") && !strings.Contains(text, "snapshot") {
		return protection.EtcdJob{}, false
	}
	job := protection.EtcdJob{Namespace: c.Namespace, Name: c.Name}
	if c.Status.LastSuccessfulTime != nil {
		job.At = c.Status.LastSuccessfulTime.Time
	}
	return job, true
}
