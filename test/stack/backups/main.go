// Command velero is Velero's server and CLI as upstream builds them, but for two things: its plugins die with it, and several can
// run on one machine.
//
// Velero runs its plugins as processes of their own, which live on when it is killed. Here those that are built in ask the kernel
// to be killed with their parent. For a plugin that is not, a link to this program stands in the plugin folder: it asks the same
// and becomes the program that STACK_VELERO_PLUGIN names.
//
// Beside the port of its metrics, which a flag sets, upstream's server listens on port 8080, which no flag changes.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/vmware-tanzu/velero/pkg/cmd"
	"github.com/vmware-tanzu/velero/pkg/cmd/velero"
	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// name is the name under which the program is Velero.
const name = "velero"

func main() {
	isPlugin := filepath.Base(os.Args[0]) != name
	if isPlugin || slices.Contains(os.Args[1:], "run-plugins") {
		check(unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0))
	}
	if isPlugin {
		program := os.Getenv("STACK_VELERO_PLUGIN")
		check(syscall.Exec(program, slices.Concat([]string{program}, os.Args[1:]), os.Environ()))
	}
	metrics.DefaultBindAddress = "0" // on no port
	defer klog.Flush()
	cmd.CheckError(velero.NewCommand(name).Execute())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "velero: become a plugin:", err)
		os.Exit(1)
	}
}
