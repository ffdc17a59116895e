package config

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// maxSecret bounds a secret file, in bytes.
const maxSecret = 64 << 10

// Secret reads a secret from its file, without the space around it. An empty file is an error.
func Secret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecret {
		return "", fmt.Errorf("read secret: %s is no file of at most %d bytes", path, maxSecret)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("read secret: %s is empty", path)
	}
	return secret, nil
}

// secret checks a file that holds a secret, when one is named.
func (c *check) secret(key, path string) string {
	if path == "" || !c.withFiles {
		return ""
	}
	text, err := Secret(path)
	c.wrong(err == nil, key, "write the secret into that file, or name another", "%v", err)
	if info, statErr := os.Stat(path); statErr == nil {
		c.warn(info.Mode().Perm()&0o007 != 0, key, "chmod o= "+path, "everybody on this machine may use the secret in %s (mode %04o)", path, info.Mode().Perm())
	}
	return text
}

// token checks a file that holds the token of one caller, which nobody else may have.
func (c *check) token(key, path string) {
	text := c.secret(key, path)
	if text == "" {
		return
	}
	first, twice := c.tokens[text]
	c.wrong(!twice, key, "give each a token of its own", "it holds the same token as the file of %s", first)
	c.tokens[text] = key
}

// readable checks that a file can be read, when one is named.
func (c *check) readable(key, path string) {
	if path == "" || !c.withFiles {
		return
	}
	f, err := os.Open(path)
	if err == nil {
		err = f.Close()
	}
	c.wrong(err == nil, key, "put the file there, or name another", "%v", err)
}

func (c *check) directory(key, path string) {
	err := c.noDirectory(path)
	c.wrong(err == nil, key, "make the directory, or name another", "%v", err)
}

// noDirectory says why a path that is named is no directory, or nil.
func (c *check) noDirectory(path string) error {
	if path == "" || !c.withFiles {
		return nil
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open directory", Path: path, Err: fs.ErrInvalid}
	}
	return err
}
