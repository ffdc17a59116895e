package supervisor

import (
	"context"
	"fmt"

	"github.com/salvor-io/salvor/test/stack/internal/process"
)

// runTool runs a program that does one thing and ends.
func (s *Supervisor) runTool(ctx context.Context, spec process.Spec) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	p, err := s.launcher.Run(spec)
	if err != nil {
		return err
	}
	if err := p.Finish(ctx); err != nil {
		kill, cancel := context.WithTimeout(context.WithoutCancel(ctx), killLimit)
		defer cancel()
		_ = p.Kill(kill) // it may have ended by itself
		return fmt.Errorf("run %s: %w", spec.Name, err)
	}
	return nil
}

// runServers starts processes that stay, and returns when each answers at its address.
func (s *Supervisor) runServers(ctx context.Context, specs []process.Spec, urls []string) error {
	var started []*process.Process
	for _, spec := range specs {
		p, err := s.launcher.Run(spec)
		if err != nil {
			return err
		}
		s.servers.add(p)
		started = append(started, p)
	}
	for i, url := range urls {
		err := await(ctx, specs[i].Name, func(ctx context.Context) error {
			return answers(ctx, s.cluster.client, url)
		}, started...)
		if err != nil {
			return err
		}
	}
	return nil
}

// ensureAll creates the objects that are not there, as soon as the API server knows their kinds.
func (s *Supervisor) ensureAll(ctx context.Context, wanted []placed) error {
	for _, o := range wanted {
		err := await(ctx, "objects at "+o.path, func(ctx context.Context) error { return s.cluster.ensure(ctx, o.path, o.object) })
		if err != nil {
			return err
		}
	}
	return nil
}

// placed is an object and the path its like are created at.
type placed struct {
	path   string
	object object
}
