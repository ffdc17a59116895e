// Command controlplane is a whole Kubernetes control plane in one binary: etcd, the API server, the controller manager,
// the scheduler and kubectl, chosen by the first argument. One link instead of five makes it quick to build.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// etcd stands apart in run, as it is no cobra command and parses its own arguments.
const etcd = "etcd"

func main() {
	os.Exit(run())
}

// run starts the component the process was asked for and returns its exit code. A binary linked under the name of a
// component is that component.
func run() int {
	args := os.Args
	if !known(filepath.Base(args[0])) {
		args = args[1:]
	}
	if len(args) == 0 || !known(filepath.Base(args[0])) {
		fmt.Fprintf(os.Stderr, "usage: controlplane %s [flags]\n", strings.Join(names(), "|"))
		return 2
	}
	name := filepath.Base(args[0])
	if name == etcd {
		etcdmain.Main(args)
		return 0
	}
	os.Args = args
	return cli.Run(components()[name]())
}

// components lists what the binary can be, by the name each part has upstream.
func components() map[string]func() *cobra.Command {
	return map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllermanager.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubectl":                 kubectl.NewDefaultKubectlCommand,
	}
}

func known(name string) bool {
	return slices.Contains(names(), name)
}

func names() []string {
	all := []string{etcd}
	for name := range components() {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
