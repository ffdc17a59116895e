package alertmanager

import (
	"slices"

	"github.com/salvor-io/salvor/events"
)

// ShippedAlert is one row of the shipped table: what an alert of a widely used set of rules speaks of.
type ShippedAlert struct {
	Row
	Name   string            // of the alert, or of the kind of alert when its rule gives it none
	Source string            // the file its rule was read from: repository and path
	Labels map[string]string // of an alert that the row takes
}

// Where the facts of an alert come from.
const (
	scraped    = true  // from what is scraped or probed: it does not matter whether the API server answers, or is right
	apiObjects = false // from objects of the API server, by way of kube-state-metrics or a controller, or from its own metrics
)

// Shipped are the rows of the shipped table in their order. No widely used rule speaks of etcd's members differing, so that no
// row has that topic. Severity and priority are never looked at: how loud a rule is says nothing about what it speaks of.
func Shipped() []ShippedAlert {
	return slices.Concat(kubernetes(), kubePrometheus(), nodeExporter(), etcd(), backups(), certificates(), falco())
}

func kubernetes() []ShippedAlert {
	const (
		kubelet    = "kubernetes-monitoring/kubernetes-mixin alerts/kubelet.libsonnet"
		apiServer  = "kubernetes-monitoring/kubernetes-mixin alerts/kube_apiserver.libsonnet"
		controller = "kubernetes-monitoring/kubernetes-mixin alerts/kube_controller_manager.libsonnet"
		scheduler  = "kubernetes-monitoring/kubernetes-mixin alerts/kube_scheduler.libsonnet"
		apps       = "kubernetes-monitoring/kubernetes-mixin alerts/apps_alerts.libsonnet"
		storage    = "kubernetes-monitoring/kubernetes-mixin alerts/storage_alerts.libsonnet"
	)
	return slices.Concat(
		named(kubelet, events.TopicNodeLost, apiObjects, "KubeNodeNotReady", "KubeNodeUnreachable"),
		named(kubelet, events.TopicNodeLost, scraped, "KubeletDown"),
		named(kubelet, events.TopicNodeTrouble, apiObjects, "KubeNodePressure", "KubeNodeReadinessFlapping"),
		named(kubelet, events.TopicNodeTrouble, scraped, "KubeNodeEviction", "KubeletPlegDurationHigh", "KubeletPodStartUpLatencyHigh"),
		named(kubelet, events.TopicCertificate, scraped, "KubeletClientCertificateExpiration", "KubeletServerCertificateExpiration",
			"KubeletClientCertificateRenewalErrors", "KubeletServerCertificateRenewalErrors"),
		named(apiServer, events.TopicControlPlane, scraped, "KubeAPIDown"),
		named(apiServer, events.TopicCertificate, apiObjects, "KubeClientCertificateExpiration"),
		named(controller, events.TopicControlPart, scraped, "KubeControllerManagerDown", "KubeControllerManagerInstanceUnreachable"),
		named(scheduler, events.TopicControlPart, scraped, "KubeSchedulerDown", "KubeSchedulerInstanceUnreachable"),
		named(apps, events.TopicRollout, apiObjects, "KubePodCrashLooping", "KubePodNotReady", "KubeContainerWaiting",
			"KubeDeploymentGenerationMismatch", "KubeDeploymentReplicasMismatch", "KubeDeploymentRolloutStuck",
			"KubeStatefulSetGenerationMismatch", "KubeStatefulSetReplicasMismatch", "KubeStatefulSetUpdateNotRolledOut",
			"KubeDaemonSetRolloutStuck", "KubeDaemonSetNotScheduled", "KubePdbNotEnoughHealthyPods"),
		named(storage, events.TopicVolume, apiObjects, "KubePersistentVolumeErrors"),
	)
}

func kubePrometheus() []ShippedAlert {
	const (
		general = "prometheus-operator/kube-prometheus jsonnet/kube-prometheus/components/mixin/alerts/general.libsonnet"
		network = "prometheus-operator/kube-prometheus jsonnet/kube-prometheus/components/mixin/alerts/node.libsonnet"
	)
	down := func(topic events.Topic, jobs, job string) ShippedAlert {
		return ShippedAlert{Name: "TargetDown of " + job, Source: general, Labels: map[string]string{"alertname": "TargetDown", "job": job},
			Row: Row{Match: []string{`alertname="TargetDown"`, `job=~"` + jobs + `"`}, Topic: topic, Independent: scraped}}
	}
	return slices.Concat(
		named(general, events.TopicWatchdog, scraped, "Watchdog"),
		[]ShippedAlert{
			down(events.TopicNodeLost, "kubelet|node-exporter", "node-exporter"),
			down(events.TopicControlPlane, "apiserver|kube-apiserver", "apiserver"),
			down(events.TopicControlPart, "kube-controller-manager|kube-scheduler|etcd|kube-etcd", "kube-etcd"),
		},
		named(network, events.TopicNodeTrouble, scraped, "NodeNetworkInterfaceFlapping"),
	)
}

func nodeExporter() []ShippedAlert {
	return named("prometheus/node_exporter docs/node-mixin/alerts/alerts.libsonnet", events.TopicNodeTrouble, scraped,
		"NodeFilesystemSpaceFillingUp", "NodeFilesystemAlmostOutOfSpace", "NodeFilesystemFilesFillingUp", "NodeFilesystemAlmostOutOfFiles",
		"NodeNetworkReceiveErrs", "NodeNetworkTransmitErrs", "NodeHighNumberConntrackEntriesUsed", "NodeBondingDegraded",
		"NodeClockSkewDetected", "NodeClockNotSynchronising", "NodeRAIDDegraded", "NodeRAIDDiskFailure", "NodeDiskIOSaturation",
		"NodeFileDescriptorLimit", "NodeSystemSaturation", "NodeMemoryMajorPagesFaults", "NodeMemoryHighUtilization",
		"NodeSystemdServiceFailed", "NodeSystemdServiceCrashlooping")
}

func etcd() []ShippedAlert {
	const mixin = "etcd-io/etcd contrib/mixin/alerts/alerts.libsonnet"
	return slices.Concat(
		named(mixin, events.TopicEtcdQuorum, scraped, "etcdInsufficientMembers", "etcdNoLeader"),
		named(mixin, events.TopicControlPart, scraped, "etcdMembersDown"), // one is enough, and the others go on
		named(mixin, events.TopicEtcdSpace, scraped, "etcdDatabaseQuotaLowSpace", "etcdExcessiveDatabaseGrowth"),
	)
}

func backups() []ShippedAlert {
	return named("vmware-tanzu/helm-charts charts/velero/values.yaml", events.TopicBackup, scraped,
		"VeleroBackupFailures", "VeleroBackupPartialFailures")
}

func certificates() []ShippedAlert {
	return slices.Concat(
		named("imusmanmalik/cert-manager-mixin alerts/certificates.libsonnet", events.TopicCertificate, apiObjects,
			"CertManagerCertExpirySoon", "CertManagerCertNotReady"),
		named("enix/x509-certificate-exporter deploy/charts/x509-certificate-exporter/templates/prometheusrule.yaml",
			events.TopicCertificate, apiObjects, "CertificateRenewal", "CertificateExpiration"), // it reads Secrets as well as files
		named("adinhodovic/blackbox-exporter-mixin alerts/alerts.libsonnet", events.TopicCertificate, scraped,
			"BlackboxSslCertificateWillExpireSoon"),
	)
}

// falco are the alerts that falcosidekick posts to Alertmanager. They have no alertname; the rule is a label. Of the audit rules
// only those count that tell of a grant of power or of a secret laid open: the others are a stream of ordinary activity.
func falco() []ShippedAlert {
	const (
		sidekick = "falcosecurity/falcosidekick outputs/alertmanager.go"
		audit    = sidekick + ", falcosecurity/plugins plugins/k8saudit/rules/k8s_audit_rules.yaml"
		grants   = "Attach to cluster-admin Role|ClusterRole With Wildcard Created|ClusterRole With Pod Exec Created|" +
			"System ClusterRole Modified/Deleted|Create/Modify Configmap With Private Credentials"
	)
	return []ShippedAlert{
		{Name: "Falco, Kubernetes audit", Source: audit,
			Labels: map[string]string{"source": "falco", "eventsource": "k8s_audit", "rule": "Attach to cluster-admin Role", "priority": "Warning"},
			Row:    Row{Match: []string{`source="falco"`, `eventsource="k8s_audit"`, `rule=~"` + grants + `"`}, Topic: events.TopicTampering, Independent: apiObjects}},
		{Name: "Falco, system calls", Source: sidekick,
			Labels: map[string]string{"source": "falco", "eventsource": "syscall", "rule": "Terminal shell in container", "priority": "Notice"},
			Row: Row{Match: []string{`source="falco"`, `eventsource=~"syscall|"`, `rule!~"|Falco internal.*"`}, // older ones name no event source
				Topic: events.TopicRuntime, Independent: scraped}},
	}
}

// named are rows for alerts that are known by their name alone.
func named(source string, topic events.Topic, independent bool, names ...string) []ShippedAlert {
	var rows []ShippedAlert
	for _, name := range names {
		rows = append(rows, ShippedAlert{Name: name, Source: source, Labels: map[string]string{"alertname": name},
			Row: Row{Match: []string{`alertname="` + name + `"`}, Topic: topic, Independent: independent}})
	}
	return rows
}
