package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/replay"
)

func newReplayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Show what Salvor makes of a story, or of what it recorded, with no cluster and no server",
		Long: `Read FILE, "-" being standard input: a story, which is a scene that a person wrote, or what salvor export wrote of a running Salvor, gzipped
or not. Run Salvor over it in virtual time: the same detection, policy, runbooks and moves as in a running one, on a world that is made of
paper.

A story prints each record of each incident. It brings its own salvor.yaml; --config takes another. --against takes a second one, and
prints what comes of it that does not come of the first. A story that says what is wanted of it is compared with that.

A recording is judged again, event by event: the same faults, decisions and moves come of the same configuration, byte for byte, and what
differs is printed. --config judges it by another configuration, with the policies and runbooks that this one names: that is what the time
that was recorded would have looked like. --against compares two configurations with each other.

Exit code 1 says that something is different.`,
		Example: `  salvor replay test/scenarios/zone-dies.txtar
  salvor replay zone-dies.txtar --config salvor.yaml
  salvor export --since 168h --out week.gz && salvor replay week.gz --config salvor.next.yaml`,
		Args: usage(cobra.ExactArgs(1)),
	}
	r := replaying{cmd: cmd}
	cmd.Flags().StringVar(&r.path, "config", "", "the configuration to judge by (default the file's own)")
	cmd.Flags().StringVar(&r.against, "against", "", "another configuration, to see what it changes")
	r.out = prints(cmd, "table", "json")
	cmd.RunE = func(_ *cobra.Command, args []string) error { return r.run(args[0]) }
	return cmd
}

// replaying is one call of the command.
type replaying struct {
	cmd           *cobra.Command
	path, against string
	out           *output
}

func (r replaying) run(file string) error {
	story, closing, err := r.open(file)
	if err != nil {
		return err
	}
	defer closing()
	if story.Recorded() {
		return r.recording(file, story)
	}
	return r.story(story)
}

// open reads a file up to its events. The caller calls the function that it gives when it has read them.
func (r replaying) open(path string) (*replay.File, func(), error) {
	in, closing := r.cmd.InOrStdin(), func() {}
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, err
		}
		in, closing = f, func() { _ = f.Close() } // nothing was written
	}
	file, err := replay.Read(in)
	if err != nil {
		closing()
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	return file, closing, nil
}

func (r replaying) story(story *replay.File) error {
	first, err := play(r.cmd.Context(), story, r.path)
	if err != nil {
		return err
	}
	switch {
	case r.against != "":
		second, err := play(r.cmd.Context(), story, r.against)
		if err != nil {
			return err
		}
		return differs(r.cmd.OutOrStdout(), first.Text(), second.Text(), cmp.Or(r.path, "the story's salvor.yaml"), r.against)
	case r.path == "" && story.Want != nil:
		return differs(r.cmd.OutOrStdout(), string(story.Want), first.Text(), "as the story wants it", "as it is")
	}
	return r.out.print(r.cmd.OutOrStdout(), first.Records, func(w io.Writer) error {
		_, err := io.WriteString(w, first.Text())
		return err
	})
}

// recording judges again what was recorded, by another configuration where one is named, and prints what differs.
func (r replaying) recording(path string, file *replay.File) error {
	report, err := check(r.cmd.Context(), file, r.path)
	if err != nil {
		return err
	}
	was, is := "recorded", "now"
	if r.path != "" {
		is = r.path
	}
	if r.against != "" {
		other, err := r.another(path)
		if err != nil {
			return err
		}
		report, was, is = report.Against(other), cmp.Or(r.path, "its salvor.yaml"), r.against
	}
	if err := r.out.print(r.cmd.OutOrStdout(), report, func(w io.Writer) error {
		_, err := io.WriteString(w, report.Text(was, is))
		return err
	}); err != nil {
		return err
	}
	if len(report.Differences) > 0 {
		return silentError{errors.New("it is different")}
	}
	return nil
}

// another reads the recording a second time, and judges it by the second configuration.
func (r replaying) another(path string) (*replay.Report, error) {
	if path == "-" {
		return nil, usageError{errors.New("--against reads the recording twice: name a file, not standard input"), "salvor replay"}
	}
	file, closing, err := r.open(path)
	if err != nil {
		return nil, err
	}
	defer closing()
	return check(r.cmd.Context(), file, r.against)
}

// check judges a recording again by the configuration at a path, "" being its own.
func check(ctx context.Context, file *replay.File, path string) (*replay.Report, error) {
	if path == "" {
		return file.Check(ctx, nil)
	}
	cfg, err := config.Read(path)
	if err != nil {
		return nil, err
	}
	return file.Check(ctx, cfg)
}

// play plays a story by the configuration at a path, "" being its own.
func play(ctx context.Context, story *replay.File, path string) (*replay.Outcome, error) {
	cfg, err := configFor(story, path)
	if err != nil {
		return nil, err
	}
	return story.Play(ctx, cfg)
}

func configFor(story *replay.File, path string) (*config.Config, error) {
	if path != "" {
		return config.Read(path)
	}
	if story.Config == nil {
		return nil, usageError{errors.New("the story brings no salvor.yaml: say by which to judge with --config"), "salvor replay"}
	}
	return config.Parse("salvor.yaml of the story", story.Config)
}

// differs prints what is different, which is an error that needs no more words, or the second text when nothing is.
func differs(w io.Writer, a, b, nameA, nameB string) error {
	var diff bytes.Buffer
	different, err := replay.Differ(&diff, a, b, nameA, nameB)
	if err != nil {
		return err
	}
	if !different {
		_, err = io.WriteString(w, b)
		return err
	}
	if _, err := diff.WriteTo(w); err != nil {
		return err
	}
	return silentError{errors.New("it is different")}
}
