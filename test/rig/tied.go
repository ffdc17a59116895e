package rig

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startTied starts a process that the kernel kills when this one dies, however it dies, and says on the channel how it
// ended. The signal is tied to the thread that starts the process, so that the thread is kept for as long as the process
// lives.
func startTied(cmd *exec.Cmd) (ended <-chan error, err error) {
	started, over := make(chan error), make(chan error, 1)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			over <- cmd.Wait()
		}
	}()
	return over, <-started
}
