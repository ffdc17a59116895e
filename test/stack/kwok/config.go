package main

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/kwok/pkg/kwok/controllers"
	"sigs.k8s.io/kwok/pkg/utils/client"
)

// parallelism is upstream's default for each kind of worker.
const parallelism = 4

// newConfig returns what the controller needs to play the nodes.
func newConfig(kubeconfig string, nodes []string) (controllers.Config, error) {
	config := controllers.Config{
		Clock:                     clock.RealClock{},
		CIDR:                      "10.244.0.0/16",
		NodePlayStageParallelism:  parallelism,
		PodPlayStageParallelism:   parallelism,
		PodsOnNodeSyncParallelism: parallelism,
	}
	if len(nodes) == 1 {
		config.ManageSingleNode = nodes[0] // watches this node and its pods only
	} else {
		config.ManageNodesWithLabelSelector = fmt.Sprintf("%s in (%s)", corev1.LabelHostname, strings.Join(nodes, ","))
	}
	var err error
	if config.LocalStages, err = readStages(); err != nil {
		return config, err
	}
	if err := addClients(&config, kubeconfig); err != nil {
		return config, fmt.Errorf("make clients: %w", err)
	}
	return config, nil
}

func addClients(config *controllers.Config, kubeconfig string) error {
	set, err := client.NewClientset("", kubeconfig)
	if err != nil {
		return err
	}
	restConfig, err := set.ToRESTConfig()
	if err != nil {
		return err
	}
	if config.DynamicClient, err = set.ToDynamicClient(); err != nil {
		return err
	}
	if config.RESTMapper, err = set.ToRESTMapper(); err != nil {
		return err
	}
	if config.RESTClient, err = rest.RESTClientFor(restConfig); err != nil {
		return err
	}
	config.ImpersonatingDynamicClient = set.ToImpersonatingDynamicClient()
	config.ImpersonatingTypedClient = set.ToImpersonatingTypedClient()
	config.TypedClient, err = kubernetes.NewForConfig(restConfig)
	return err
}
