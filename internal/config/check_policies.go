package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// policies checks where rules come from. A directory that is not there is worth a look and no more: what was in force stays so, and alerts
// have to be taken in.
func (c *check) policies(p Policies) {
	for _, dir := range []struct{ key, path string }{{"policies.dir", p.Dir}, {"policies.shadow", p.Shadow}} {
		err := c.noDirectory(dir.path)
		c.warn(err != nil, dir.key, "make the directory, or name another", "%v", err)
	}
	if p.Bundle == nil {
		return
	}
	c.wrong(p.Dir == "", "policies.dir", "keep dir or bundle", "rules come from one place, and policies.bundle is given, too")
	c.bundle("policies.bundle", *p.Bundle)
}

func (c *check) bundle(key string, b Bundle) {
	c.webURL(key+".url", b.URL)
	secure := strings.HasPrefix(b.URL, "https:")
	c.wrong(secure || b.CAFile == "", key+".ca_file", "write https", "it is for https, and the address is asked without it")
	c.warn(!secure && b.TokenFile != "", key+".token_file", "write https", "the token travels to %s in the clear", b.URL)
	c.secret(key+".token_file", b.TokenFile)
	c.readable(key+".ca_file", b.CAFile)
	c.atLeast(key+".poll", b.Poll, time.Second)
	c.wrong(len(b.Keys) > 0, key+".keys", "list the public keys that may have signed it", "no key is listed, and a bundle that nobody signed is not taken")
	seen := map[string]int{}
	for i, k := range b.Keys {
		at := fmt.Sprintf("%s.keys[%d]", key, i)
		c.name(at+".id", k.ID, seen)
		c.wrong(plainName.MatchString(k.Person), at+".person", "name who signs with it: another person has to activate what gets looser", "want the name of a person, not %q", k.Person)
		c.publicKey(at+".file", k.File)
	}
}

func (c *check) publicKey(key, path string) {
	c.wrong(path != "", key, "name the file that holds the public key", "it is empty")
	if path == "" || !c.withFiles {
		return
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = aPublicKey(text)
	}
	c.wrong(err == nil, key, "openssl pkey -in KEY -pubout writes one", "%v", err)
}

func aPublicKey(text []byte) error {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return errors.New("it holds no PEM block PUBLIC KEY")
	}
	_, err := x509.ParsePKIXPublicKey(block.Bytes)
	return err
}
