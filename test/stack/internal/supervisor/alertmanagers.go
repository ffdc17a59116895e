package supervisor

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/process"
)

// silentConfig takes alerts in and tells nobody.
const silentConfig = "route:\n  receiver: nobody\nreceivers:\n- name: nobody\n"

// alertmanagers are the Alertmanagers of a stack, which share one configuration file.
type alertmanagers struct {
	control.Alertmanagers
	binary string
	dir    string
	web    []int
	gossip []int
}

func newAlertmanagers(config control.Config, free *ports) (*alertmanagers, error) {
	a := &alertmanagers{
		Alertmanagers: config.Alertmanagers, binary: config.Binaries.Alertmanager, dir: config.Dir,
	}
	var err error
	if a.web, err = free.several(a.Replicas); err != nil {
		return nil, err
	}
	if a.gossip, err = free.several(a.Replicas); err != nil {
		return nil, err
	}
	if a.Config == "" {
		a.Config = silentConfig
	}
	return a, nil
}

func (a *alertmanagers) configPath() string {
	return filepath.Join(a.dir, "alertmanager.yaml")
}

// start starts the replicas and returns when all of them answer.
func (a *alertmanagers) start(ctx context.Context, launcher *process.Launcher) ([]*process.Process, error) {
	if err := os.WriteFile(a.configPath(), []byte(a.Config), 0o600); err != nil {
		return nil, err
	}
	var started []*process.Process
	for i := range a.Replicas {
		p, err := launcher.Run(a.spec(i))
		if err != nil {
			return started, err
		}
		started = append(started, p)
	}
	for i, p := range started {
		err := await(ctx, p.Name, func(ctx context.Context) error {
			return answers(ctx, http.DefaultClient, a.url(i)+"/-/ready")
		}, p)
		if err != nil {
			return started, err
		}
	}
	return started, nil
}

// reconfigure gives all replicas another configuration. A configuration they refuse is an error, and the old one stays in use.
func (a *alertmanagers) reconfigure(ctx context.Context, config string) error {
	if err := os.WriteFile(a.configPath(), []byte(config), 0o600); err != nil {
		return err
	}
	for i := range a.Replicas {
		if err := reload(ctx, a.url(i)); err != nil {
			return fmt.Errorf("reload alertmanager %d: %w", i, err)
		}
	}
	return nil
}

func reload(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/-/reload", nil)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var reason strings.Builder
		_ = response.Write(&reason)
		return fmt.Errorf("refused: %s", reason.String())
	}
	return nil
}

func (a *alertmanagers) spec(replica int) process.Spec {
	name := fmt.Sprintf("alertmanager-%d", replica)
	args := []string{
		a.binary,
		"--config.file", a.configPath(),
		"--storage.path", filepath.Join(a.dir, name),
		"--web.listen-address", address(a.web[replica]),
		"--cluster.listen-address", a.gossipAddress(replica),
	}
	if a.Clustered {
		args = append(args, "--cluster.advertise-address", address(a.gossip[replica]))
		for _, port := range a.gossip {
			args = append(args, "--cluster.peer", address(port))
		}
	}
	return spec(a.dir, name, args)
}

// gossipAddress is empty, which turns gossip off, unless the replicas form a cluster.
func (a *alertmanagers) gossipAddress(replica int) string {
	if !a.Clustered {
		return ""
	}
	return address(a.gossip[replica])
}

func (a *alertmanagers) url(replica int) string {
	return "http://" + address(a.web[replica])
}

func (a *alertmanagers) urls() []string {
	var urls []string
	for i := range a.Replicas {
		urls = append(urls, a.url(i))
	}
	return urls
}
