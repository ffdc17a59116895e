// Command kwok plays the kubelets of one failure domain: it makes the domain's nodes Ready, renews their Leases and runs
// their pods, all without machines. Killing the process is the death of the domain.
//
// It is upstream's controller with built-in stages and with the Leases left to the kubelet's own Lease controller. Upstream's
// process holds Leases under a name it makes up at each start, so that one that comes back waits for the old Lease to run
// out; a kubelet that comes back renews at once, and so does this.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/kwok/pkg/kwok/controllers"
	"sigs.k8s.io/kwok/pkg/log"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	nodes := flag.String("nodes", "", "names of the nodes of the domain, separated by commas")
	flag.Parse()
	if err := guarded(*kubeconfig, strings.Split(*nodes, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "kwok:", err)
		os.Exit(1)
	}
}

// guarded plays the nodes until the process is asked to end.
func guarded(kubeconfig string, nodes []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	return run(log.NewContext(ctx, log.NewLogger(os.Stderr, log.LevelInfo)), kubeconfig, nodes)
}

// run plays the nodes until ctx ends.
func run(ctx context.Context, kubeconfig string, nodes []string) error {
	if nodes[0] == "" {
		return errors.New("no nodes are named")
	}
	config, err := newConfig(kubeconfig, nodes)
	if err != nil {
		return err
	}
	if err := awaitServer(ctx, config.RESTClient); err != nil {
		return fmt.Errorf("wait for API server: %w", err)
	}
	controller, err := controllers.NewController(config)
	if err != nil {
		return fmt.Errorf("make controller: %w", err)
	}
	if err := controller.Start(ctx); err != nil {
		return fmt.Errorf("start controller: %w", err)
	}
	var leases sync.WaitGroup
	for _, node := range nodes {
		leases.Go(func() { renewLease(ctx, config.TypedClient, node) })
	}
	leases.Wait()
	return nil
}

// awaitServer returns when the API server is ready, for which a kubelet waits as long as it takes.
func awaitServer(ctx context.Context, server rest.Interface) error {
	return wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		return server.Get().AbsPath("/readyz").Do(ctx).Error() == nil, nil
	})
}
