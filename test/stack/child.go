package stack

import (
	"os/exec"
	"sync"

	"github.com/salvor-io/salvor/test/stack/internal/process"
)

// launcher starts the children of StartChild for as long as this process lives.
var launcher = sync.OnceValue(process.NewLauncher)

// StartChild starts cmd as exec.Cmd.Start does and has the kernel kill it when this process ends, be it by a panic or by
// kill -9. It is for the processes a test starts beside the stack: Salvor itself, a NATS server. The caller still waits.
func StartChild(cmd *exec.Cmd) error {
	return launcher().Start(cmd)
}
