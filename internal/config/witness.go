package config

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
)

// Witness is the file of a witness: a process elsewhere that tells Salvor which clusters it can reach from there. Its paths are
// absolute or relative to the working directory.
type Witness struct {
	Name     string           `yaml:"name"` // as in intakes[].witness of salvor.yaml
	Salvor   Salvor           `yaml:"salvor"`
	Clusters []WitnessCluster `yaml:"clusters"`
	Log      Log              `yaml:"log"`

	Warnings []Problem `yaml:"-"` // what works and is still worth a look
}

// Salvor says where reports go, and as whom: exactly one of TokenFile and CertFile is set.
type Salvor struct {
	URLs      []string `yaml:"urls"` // any that takes a report will do
	CAFile    string   `yaml:"ca_file"`
	TokenFile string   `yaml:"token_file"`
	CertFile  string   `yaml:"cert_file"`
	KeyFile   string   `yaml:"key_file"`
}

// WitnessCluster is a cluster that a witness tries to reach.
type WitnessCluster struct {
	Name      string `yaml:"name"`   // as in salvor.yaml
	Server    string `yaml:"server"` // https address of the API server
	CAFile    string `yaml:"ca_file"`
	TokenFile string `yaml:"token_file"` // empty: it comes as nobody
	Etcd      *Etcd  `yaml:"etcd"`       // nil: the API server is asked about it, if there is a token
}

func (w *Witness) setDefaults() { w.Log = Log{Level: slog.LevelInfo, Format: "text"} }

func (w *Witness) paths() []*string {
	all := []*string{&w.Salvor.CAFile, &w.Salvor.TokenFile, &w.Salvor.CertFile, &w.Salvor.KeyFile}
	for i := range w.Clusters {
		c := &w.Clusters[i]
		all = append(append(all, &c.CAFile, &c.TokenFile), c.Etcd.paths()...)
	}
	return all
}

// LoadWitness reads and checks the file of a witness, the files it names included. The error is Problems when the file can be read
// and is wrong.
func LoadWitness(path string) (*Witness, error) {
	c, w := newCheck(path, true), &Witness{}
	if err := c.read(path, w); err != nil {
		return nil, err
	}
	resolve(filepath.Dir(path), w.paths())
	c.witness(w)
	var err error
	w.Warnings, err = c.verdict()
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (c *check) witness(w *Witness) {
	c.name("name", w.Name, map[string]int{})
	c.salvor(w.Salvor)
	c.wrong(len(w.Clusters) > 0, "clusters", "list the clusters that it can reach", "it is empty, so there is nothing to tell")
	seen := map[string]int{}
	for i, cluster := range w.Clusters {
		key := fmt.Sprintf("clusters[%d]", i)
		c.name(key+".name", cluster.Name, seen)
		c.webURL(key+".server", cluster.Server)
		c.wrong(strings.HasPrefix(cluster.Server, "https:"), key+".server", "write https", "over http nobody can say who answers")
		c.readable(key+".ca_file", cluster.CAFile)
		c.secret(key+".token_file", cluster.TokenFile)
		c.etcd(key+".etcd", cluster.Etcd)
	}
	c.wrong(w.Log.Format == "text" || w.Log.Format == "json", "log.format", "", "unknown format %q, want text or json", w.Log.Format)
}

func (c *check) salvor(s Salvor) {
	c.wrong(len(s.URLs) > 0, "salvor.urls", "list the addresses of all replicas", "it is empty, so nobody would be told")
	for i, address := range s.URLs {
		key := fmt.Sprintf("salvor.urls[%d]", i)
		c.webURL(key, address)
		plain := strings.HasPrefix(address, "http:")
		c.wrong(!plain || s.CertFile == "", key, "write https", "client certificates are seen over TLS only")
		c.warn(plain && s.TokenFile != "" && !isLocal(hostOf(address)), key, "write https", "the token travels to %s in the clear", address)
	}
	c.wrong((s.TokenFile == "") != (s.CertFile == ""), "salvor", "set one of token_file and cert_file", "a witness proves itself in one way")
	c.pair("salvor", s.CertFile, s.KeyFile)
	c.readable("salvor.ca_file", s.CAFile)
	c.secret("salvor.token_file", s.TokenFile)
}
