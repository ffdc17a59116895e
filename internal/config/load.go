package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a salvor.yaml, in bytes.
const maxFile = 1 << 20

// Load reads and checks a file, the files it names included. The error is Problems when the file can be read and is wrong.
func Load(path string) (*Config, error) {
	return load(path, true)
}

// Read is Load without a look at the files that are named: for use where they are not to be had.
func Read(path string) (*Config, error) {
	return load(path, false)
}

// Parse is Read of a text: the name stands for its path in errors, and paths in it are relative to the working directory.
func Parse(name string, text []byte) (*Config, error) {
	c, cfg := newCheck(name, false), &Config{}
	c.parse(text, cfg)
	return c.finish(cfg)
}

func load(path string, withFiles bool) (*Config, error) {
	c, cfg := newCheck(path, withFiles), &Config{}
	if err := c.read(path, cfg); err != nil {
		return nil, err
	}
	resolve(filepath.Dir(path), cfg.paths())
	return c.finish(cfg)
}

// finish checks what was read.
func (c *check) finish(cfg *Config) (*Config, error) {
	cfg.derive()
	c.all(cfg)
	var err error
	cfg.Warnings, err = c.verdict()
	if err != nil {
		return nil, err
	}
	return cfg, nil
}

func newCheck(path string, withFiles bool) *check {
	return &check{decoder: newDecoder(path), withFiles: withFiles, tokens: map[string]string{}}
}

// read fills a configuration from its file. What is wrong with the text is kept for the verdict.
func (c *check) read(path string, cfg defaulted) error {
	text, err := readBounded(path)
	if err != nil {
		return err
	}
	c.parse(text, cfg)
	return nil
}

// verdict is what is worth a look, or all that is wrong.
func (c *check) verdict() (warnings []Problem, err error) {
	if len(c.problems) > 0 {
		c.problems.sort()
		return nil, c.problems
	}
	c.warnings.sort()
	return c.warnings, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("read configuration: %s is larger than %d bytes", path, maxFile)
	}
	return text, nil
}

// parse fills cfg from the text. Text without a document leaves the defaults.
func (d *decoder) parse(text []byte, cfg defaulted) {
	cfg.setDefaults()
	reader := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	err := reader.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return
	}
	if err == nil {
		d.decode(doc.Content[0], reflect.ValueOf(cfg).Elem(), "")
		err = reader.Decode(&more)
	}
	switch {
	case err == nil:
		d.complain(&more, "", "keep one document in the file", "a second document begins here")
	case !errors.Is(err, io.EOF):
		d.problems = append(d.problems, notYAML(d.file, err))
	}
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

func notYAML(file string, err error) Problem {
	p := Problem{File: file, Why: "this is no YAML: " + err.Error(), Do: "correct it; nothing after it is read"}
	if m := yamlError.FindStringSubmatch(err.Error()); m != nil {
		p.Line, _ = strconv.Atoi(m[1]) // 0 when the error names no line
		p.Why = "this is no YAML: " + m[2]
	}
	return p
}
