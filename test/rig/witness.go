package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/salvor-io/salvor/test/stack"
)

// Witness is a running salvor witness.
type Witness struct {
	cmd   *exec.Cmd
	log   *os.File
	ended <-chan error
}

const testimony = `name: %[1]s
salvor: {urls: ["http://%[2]s"], token_file: %[3]s/%[1]s.token}
clusters:
  - {name: %[4]s, server: "%[5]s", ca_file: %[3]s/%[1]s.ca}
`

// Witness starts a witness that reports to a server whose settings name it.
func (r *Rig) Witness(name string, to *Server) (_ *Witness, err error) {
	observe, err := clientcmd.LoadFromFile(r.Stack.Kubeconfig(stack.Observer))
	if err != nil {
		return nil, fmt.Errorf("start witness %s: %w", name, err)
	}
	at := observe.Clusters[observe.Contexts[observe.CurrentContext].Cluster]
	authority := at.CertificateAuthorityData
	if at.CertificateAuthority != "" {
		if authority, err = os.ReadFile(at.CertificateAuthority); err != nil {
			return nil, fmt.Errorf("start witness %s: %w", name, err)
		}
	}
	file := filepath.Join(r.Dir, name+".yaml")
	err = os.WriteFile(filepath.Join(r.Dir, name+".ca"), authority, 0o600)
	if err == nil {
		err = os.WriteFile(file, fmt.Appendf(nil, testimony, name, to.Address, r.Dir, Cluster, at.Server), 0o600)
	}
	w := &Witness{cmd: exec.Command(r.binary, "witness", "--config", file)}
	if err == nil {
		w.log, err = os.Create(filepath.Join(r.Dir, name+".log"))
	}
	if err != nil {
		return nil, fmt.Errorf("start witness %s: %w", name, err)
	}
	w.cmd.Stdout, w.cmd.Stderr = w.log, w.log
	if w.ended, err = startTied(w.cmd); err != nil {
		return nil, fmt.Errorf("start witness %s: %w", name, err)
	}
	return w, nil
}

// Stop ends the witness, and is an error when it does not end within 10 s.
func (w *Witness) Stop() error {
	defer w.log.Close()
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop a witness: %w", err)
	}
	select {
	case err := <-w.ended:
		return err
	case <-time.After(10 * time.Second):
		_ = w.cmd.Process.Kill()
		return fmt.Errorf("a witness did not stop within 10 s")
	}
}
