package supervisor

import (
	_ "embed"
	"os"
	"path/filepath"
	"strconv"

	"github.com/salvor-io/salvor/test/stack/internal/process"
)

//go:embed audit.yaml
var auditPolicy []byte

// controlPlane knows how the servers of one cluster are started. They run with their stock settings; what is set here is
// where they find each other and what makes them quick on loopback.
type controlPlane struct {
	binary      string
	dir         string
	credentials *credentials
	etcdPort    int
	peerPort    int
	serverPort  int
	apiFlags    []string
	kcmFlags    []string
}

func (c *controlPlane) url() string {
	return "https://" + address(c.serverPort)
}

func (c *controlPlane) writeAuditPolicy() error {
	return os.WriteFile(filepath.Join(c.dir, "audit-policy.yaml"), auditPolicy, 0o644)
}

func (c *controlPlane) etcd() process.Spec {
	client, peer := "http://"+address(c.etcdPort), "http://"+address(c.peerPort)
	return c.spec("etcd",
		"--data-dir", filepath.Join(c.dir, "etcd"),
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer,
		"--unsafe-no-fsync", "--log-level", "warn",
	)
}

func (c *controlPlane) apiServer() process.Spec {
	flags := []string{
		"--etcd-servers", "http://" + address(c.etcdPort),
		"--bind-address", "127.0.0.1", "--secure-port", strconv.Itoa(c.serverPort),
		"--tls-cert-file", c.credentials.path("server.crt"), "--tls-private-key-file", c.credentials.path("server.key"),
		"--token-auth-file", c.credentials.path("tokens.csv"), "--authorization-mode", "RBAC",
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", c.credentials.path("service-accounts.key"),
		"--service-account-signing-key-file", c.credentials.path("service-accounts.key"),
		"--service-cluster-ip-range", "10.96.0.0/16",
		// A loopback address is refused as an endpoint; without the reconciler nobody tries.
		"--endpoint-reconciler-type", "none",
		"--audit-policy-file", filepath.Join(c.dir, "audit-policy.yaml"),
		"--audit-log-path", filepath.Join(c.dir, "audit.log"),
	}
	return c.spec("kube-apiserver", append(flags, c.apiFlags...)...)
}

func (c *controlPlane) controllerManager() process.Spec {
	flags := []string{
		"--kubeconfig", c.kubeconfig("system:kube-controller-manager"),
		"--service-account-private-key-file", c.credentials.path("service-accounts.key"),
		"--root-ca-file", c.credentials.path("ca.crt"),
		"--use-service-account-credentials",
		"--leader-elect=false", "--secure-port", "0",
		// It makes this folder, and would make it in the system's.
		"--flex-volume-plugin-dir", filepath.Join(c.dir, "flexvolume"),
	}
	return c.spec("kube-controller-manager", append(flags, c.kcmFlags...)...)
}

func (c *controlPlane) scheduler() process.Spec {
	return c.spec("kube-scheduler",
		"--kubeconfig", c.kubeconfig("system:kube-scheduler"),
		"--leader-elect=false", "--secure-port", "0",
	)
}

func (c *controlPlane) kubeconfig(user string) string {
	return kubeconfigPath(filepath.Join(c.dir, "kubeconfigs"), user)
}

func (c *controlPlane) spec(name string, flags ...string) process.Spec {
	return spec(c.dir, name, append([]string{c.binary, name}, flags...))
}

// spec is a process of the stack in dir, which has its log where all logs are.
func spec(dir, name string, args []string) process.Spec {
	return process.Spec{Name: name, Args: args, Dir: dir, Log: filepath.Join(dir, "logs", name+".log")}
}
