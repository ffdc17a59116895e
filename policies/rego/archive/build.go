package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/salvor-io/salvor/policies/rego"
)

// Build makes a bundle of a source: its rules, its settings, and its tests, cases among them, each file as it is. Equal sources have equal
// bundles. It is not signed.
func Build(ctx context.Context, source rego.Source) ([]byte, error) {
	built, err := bundleOf(ctx, source)
	var data []byte
	if err == nil {
		data, err = written(built)
	}
	if err == nil {
		_, err = survey(ctx, data) // as whoever opens it does
	}
	if err != nil {
		return nil, fmt.Errorf("build a bundle of %s: %w", source.Name, err)
	}
	return data, nil
}

func bundleOf(ctx context.Context, source rego.Source) (bundle.Bundle, error) {
	var built bundle.Bundle
	roots := map[string]bool{"salvor": true}
	err := fs.WalkDir(source.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(source.Files, name)
		if err != nil {
			return err
		}
		if path.Ext(name) != ".rego" {
			return addBeside(&built, name, text)
		}
		module, err := ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return err
		}
		roots[strings.Trim(module.Package.Path[1].Value.String(), `"`)] = true
		built.Modules = append(built.Modules, bundle.ModuleFile{URL: "/" + name, Path: "/" + name, RelativePath: "/" + name, Raw: text, Parsed: module})
		return nil
	})
	all := slices.Sorted(maps.Keys(roots))
	built.Manifest.Roots = &all
	return built, err
}

// addBeside adds settings and cases. Other files have no place in a bundle.
func addBeside(into *bundle.Bundle, name string, text []byte) error {
	switch {
	case isSettings(name):
		if err := util.Unmarshal(text, &into.Data); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	case !isCase(name):
		return nil
	}
	return put(&into.Manifest, name, text)
}

// Sign signs a bundle, in place of whoever has signed it before. Its content stays as it is.
func Sign(ctx context.Context, data []byte, key Key) ([]byte, error) {
	by, err := key.signing()
	if err != nil {
		return nil, fmt.Errorf("sign the bundle: %w", err)
	}
	if _, err := survey(ctx, data); err != nil {
		return nil, fmt.Errorf("sign the bundle: %w", err)
	}
	read, err := readerOf(data).WithSkipBundleVerification(true).Read()
	if err != nil {
		return nil, fmt.Errorf("sign the bundle: %w", err)
	}
	if err := read.GenerateSignature(by, key.ID, true); err != nil {
		return nil, fmt.Errorf("sign the bundle: %w", err)
	}
	return written(read)
}

func written(b bundle.Bundle) ([]byte, error) {
	if b.Data == nil {
		b.Data = map[string]any{}
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, b); err != nil {
		return nil, fmt.Errorf("write the bundle: %w", err)
	}
	if out.Len() > MaxBytes {
		return nil, fmt.Errorf("write the bundle: it is %d bytes, at most %d are read", out.Len(), MaxBytes)
	}
	return out.Bytes(), nil
}
