package main

import (
	"context"
	"fmt"
	"os"

	"github.com/salvor-io/salvor/test/stack"
	"github.com/salvor-io/salvor/test/stack/internal/parts"
)

// build builds the named parts, or everything but the linter, and prints where they are.
func build(ctx context.Context, names []string) error {
	if len(names) == 0 {
		for _, part := range parts.Catalogue() {
			if part.Name != parts.Linter {
				names = append(names, part.Name)
			}
		}
	}
	for _, name := range names {
		path, err := stack.Binary(ctx, name, os.Stderr)
		if err != nil {
			return err
		}
		fmt.Println(path)
	}
	return nil
}
