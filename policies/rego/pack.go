package rego

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// MaxPack bounds a packed policy, in bytes.
const MaxPack = 512 << 10

// namesFile is the entry of a pack that names the sources. No file of a source has its place.
const namesFile = "sources"

// Pack renders the rules and the settings, without the tests, so that Unpack gives a policy of the same revision. Equal policies have
// equal packs. A policy whose pack is larger than MaxPack is an error.
func (p Policy) Pack() ([]byte, error) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if err := p.writeTar(zip); err != nil {
		return nil, fmt.Errorf("pack policy %s: %w", p.revision, err)
	}
	if err := zip.Close(); err != nil {
		return nil, fmt.Errorf("pack policy %s: %w", p.revision, err)
	}
	if packed.Len() > MaxPack {
		return nil, fmt.Errorf("pack policy %s: packed it is %d bytes, at most %d are kept: take out what is no rule and no setting", p.revision, packed.Len(), MaxPack)
	}
	return packed.Bytes(), nil
}

func (p Policy) writeTar(w io.Writer) error {
	out, place := tar.NewWriter(w), map[string]int{}
	var names []string
	for i, source := range p.sources {
		place[source.Name], names = i, append(names, source.Name)
	}
	text, err := json.Marshal(names)
	if err != nil {
		return err
	}
	list := append(fileList{{path: namesFile, text: text}}, p.files.rules...)
	for i, one := range append(list, p.files.settings...) {
		name := one.path
		if i > 0 {
			name = strconv.Itoa(place[one.source]) + "/" + one.path
		}
		if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o444, Size: int64(len(one.text))}); err != nil {
			return err
		}
		if _, err := out.Write(one.text); err != nil {
			return err
		}
	}
	return out.Close()
}

// Unpack reads what Pack wrote. Anything else is an error; whether it is the policy that was meant, its revision tells.
func Unpack(ctx context.Context, pack []byte) (Policy, error) {
	names, texts, err := readTar(pack)
	if err != nil {
		return Policy{}, fmt.Errorf("unpack policy: %w", err)
	}
	var sources []Source
	for i, name := range names {
		source, err := Held(name, texts[strconv.Itoa(i)])
		if err != nil {
			return Policy{}, fmt.Errorf("unpack policy: %w", err)
		}
		sources = append(sources, source)
	}
	p, err := Read(ctx, sources)
	if err != nil {
		return Policy{}, fmt.Errorf("unpack policy: %w", err)
	}
	return p, nil
}

// readTar gives the names of the sources, and the files by the place of their source.
func readTar(pack []byte) (names []string, texts map[string]map[string][]byte, err error) {
	zip, err := gzip.NewReader(bytes.NewReader(pack))
	if err != nil {
		return nil, nil, err
	}
	in := tar.NewReader(io.LimitReader(zip, 2*maxTotalBytes)) // the heads of its files count too
	texts = map[string]map[string][]byte{}
	for {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return names, texts, nil
		}
		if err != nil {
			return nil, nil, err
		}
		text, err := io.ReadAll(in)
		if err != nil {
			return nil, nil, err
		}
		if head.Name == namesFile {
			if err := json.Unmarshal(text, &names); err != nil {
				return nil, nil, err
			}
			continue
		}
		at, name, _ := strings.Cut(path.Clean(head.Name), "/")
		if texts[at] == nil {
			texts[at] = map[string][]byte{}
		}
		texts[at][name] = text
	}
}
