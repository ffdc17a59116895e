package main

import (
	"context"
	"fmt"
	"os"

	"github.com/salvor-io/salvor/test/stack"
	"github.com/salvor-io/salvor/test/stack/internal/parts"
)

// build builds the named parts and groups, or everything a stack can be made of, and prints where they are.
func build(ctx context.Context, names []string) error {
	if len(names) == 0 {
		names = []string{parts.Cluster, parts.Backups}
	}
	var members []string
	for _, name := range names {
		members = append(members, parts.Members(name)...)
	}
	for _, name := range members {
		path, err := stack.Binary(ctx, name, os.Stderr)
		if err != nil {
			return err
		}
		fmt.Println(path)
	}
	return nil
}
