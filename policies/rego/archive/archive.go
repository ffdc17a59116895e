// Package archive reads and writes policies as signed bundles, in the format of OPA: what an author built and signed on one machine is
// taken over on another, when one of the keys that it trusts has signed it.
package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/salvor-io/salvor/policies/rego"
)

const (
	// MaxBytes bounds a bundle as it is sent.
	MaxBytes = 2 << 20

	maxUnpacked = 4 << 20
	maxFile     = 1 << 20
	maxFiles    = 2000
)

// Open reads a bundle that one of the keys has signed, and says which. Nothing of it is believed before its signature is. A bundle that is
// not signed, or larger than a policy can be, is an error. What Salvor does not read of a bundle, such as WebAssembly, is refused.
func Open(ctx context.Context, name string, data []byte, keys []Key) (source rego.Source, signedBy string, err error) {
	signed, err := survey(ctx, data)
	if err != nil {
		return rego.Source{}, "", fmt.Errorf("open %s: %w", name, err)
	}
	trusted, err := signer(signed, keys)
	if err != nil {
		return rego.Source{}, "", fmt.Errorf("open %s: %w", name, err)
	}
	read, err := readerOf(data).WithBundleVerificationConfig(trusted).Read()
	if err != nil {
		return rego.Source{}, "", fmt.Errorf("open %s: %w", name, err)
	}
	source, err = sourceOf(name, read)
	if err != nil {
		return rego.Source{}, "", fmt.Errorf("open %s: %w", name, err)
	}
	return source, trusted.KeyID, nil
}

// readerOf reads what was surveyed.
func readerOf(data []byte) *bundle.Reader {
	loader := bundle.NewTarballLoaderWithBaseURL(bytes.NewReader(data), "").WithSizeLimitBytes(maxUnpacked)
	return bundle.NewCustomReader(loader).WithSizeLimitBytes(maxUnpacked).WithRegoVersion(ast.RegoV1).WithLazyLoadingMode(false)
}

// survey reads through a bundle without keeping it, so that one which is too large is refused early, and gives its signatures.
func survey(ctx context.Context, data []byte) (bundle.SignaturesConfig, error) {
	var signed bundle.SignaturesConfig
	if len(data) > MaxBytes {
		return signed, fmt.Errorf("it is too large: at most %d bytes are read", MaxBytes)
	}
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return signed, fmt.Errorf("it is no bundle (.tar.gz): %w", err)
	}
	in, left := tar.NewReader(zip), int64(maxUnpacked)
	for n := 0; ; n++ {
		head, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return signed, nil
		case err != nil:
			return signed, fmt.Errorf("it is no bundle (.tar.gz): %w", err)
		case n == maxFiles:
			return signed, fmt.Errorf("it has more than %d files", maxFiles)
		case ctx.Err() != nil:
			return signed, ctx.Err()
		}
		most := int64(maxFile)
		if strings.HasSuffix(head.Name, bundle.ManifestExt) {
			most = maxUnpacked // it holds files
		}
		text, err := io.ReadAll(io.LimitReader(in, min(left, most)+1))
		if err != nil {
			return signed, fmt.Errorf("read %s: %w", head.Name, err)
		}
		if int64(len(text)) > most {
			return signed, fmt.Errorf("%s is larger than %d bytes", head.Name, most)
		}
		if left -= int64(len(text)); left < 0 {
			return signed, fmt.Errorf("unpacked it is larger than %d bytes", maxUnpacked)
		}
		if bundle.IsSignaturesFile(head.Name) {
			if err := json.Unmarshal(text, &signed); err != nil {
				return signed, fmt.Errorf("read %s: %w", head.Name, err)
			}
		}
	}
}

// signer finds the key that a bundle was signed with, whatever it says itself about that.
func signer(signed bundle.SignaturesConfig, keys []Key) (*bundle.VerificationConfig, error) {
	if len(signed.Signatures) == 0 {
		return nil, errors.New("it is not signed: sign it with salvor policy sign")
	}
	var tried []string
	var why error
	for _, key := range keys {
		public, err := key.verifying()
		if err != nil {
			return nil, err
		}
		trusted := bundle.NewVerificationConfig(map[string]*bundle.KeyConfig{key.ID: public}, key.ID, "", nil)
		if _, err = bundle.VerifyBundleSignature(signed, trusted); err == nil {
			return trusted, nil
		}
		tried, why = append(tried, key.ID), err
	}
	return nil, fmt.Errorf("none of the keys %s has signed it: %w", strings.Join(tried, ", "), why)
}

// sourceOf takes out what policies are made of. OPA merges all data into one document: where Salvor did not build the bundle, the settings
// are what is in it.
func sourceOf(name string, read bundle.Bundle) (rego.Source, error) {
	if len(read.WasmModules)+len(read.PlanModules)+len(read.Wasm) > 0 {
		return rego.Source{}, errors.New("it holds compiled policy (WebAssembly or a plan), and Salvor reads Rego: build it without --target")
	}
	texts := map[string][]byte{}
	for _, module := range read.Modules {
		texts[strings.TrimPrefix(module.RelativePath, "/")] = module.Raw
	}
	written, err := takeBeside(texts, read)
	if err != nil {
		return rego.Source{}, err
	}
	if len(read.Data) > 0 && !written {
		settings, err := json.Marshal(read.Data)
		if err != nil {
			return rego.Source{}, fmt.Errorf("render its data: %w", err)
		}
		texts["data.json"] = settings
	}
	return rego.Held(name, texts)
}
