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
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"github.com/vmware-tanzu/velero/pkg/cmd"
	"github.com/vmware-tanzu/velero/pkg/cmd/velero"
	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// name is the name under which the program is Velero.
const name = "velero"

// What the server tells the plugins, and the stack the server.
const (
	serverVariable = "STACK_VELERO_PID"
	pluginVariable = "STACK_VELERO_PLUGIN"
)

func main() {
	runtime.LockOSThread() // what is asked of the kernel holds for the thread that becomes the plugin
	isPlugin := filepath.Base(os.Args[0]) != name
	if isPlugin || slices.Contains(os.Args[1:], "run-plugins") {
		check(dieWithServer())
	}
	if isPlugin {
		// A plugin tells the server by what name it is started the next time: by that of the link again.
		check(syscall.Exec(os.Getenv(pluginVariable), os.Args, os.Environ()))
	}
	runtime.UnlockOSThread()
	check(os.Setenv(serverVariable, strconv.Itoa(os.Getpid())))
	metrics.DefaultBindAddress = "0" // on no port
	defer klog.Flush()
	cmd.CheckError(velero.NewCommand(name).Execute())
}

// dieWithServer asks the kernel to kill this process when its parent dies. A parent that died before it was asked is no parent
// any more.
func dieWithServer() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if parent := strconv.Itoa(os.Getppid()); parent != os.Getenv(serverVariable) {
		return fmt.Errorf("the server is gone: the parent is process %s", parent)
	}
	return nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "velero:", err)
		os.Exit(1)
	}
}
