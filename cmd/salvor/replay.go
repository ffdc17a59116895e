package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
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

A story prints each record of each incident. It brings its own salvor.yaml; --config takes another, with the policies and runbooks that this
one names, and not those of the story. --against takes a second one, and
prints what comes of it that does not come of the first. A story that says what is wanted of it is compared with that.

A recording is judged again, event by event: the same faults, decisions and moves come of the same configuration, byte for byte, and what
differs is printed. --config judges it by another configuration, with the policies and runbooks that this one names: that is what the time
that was recorded would have looked like. --against compares two configurations with each other.

Exit code 1 says that something is different, or that nothing of a recording could be compared.`,
		Example: `  salvor replay test/scenarios/zone-dies-at-once.txtar
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
	return openReplay(r.cmd.InOrStdin(), path)
}

func openReplay(in io.Reader, path string) (*replay.File, func(), error) {
	closing := func() {}
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
	out := outcomeOf(first)
	switch {
	case r.against != "":
		second, err := play(r.cmd.Context(), story, r.against)
		if err != nil {
			return err
		}
		out = outcomeOf(second)
		out.Diff, err = replay.Differ(first.Text(), second.Text(), cmp.Or(r.path, "the story's salvor.yaml"), r.against)
		if err != nil {
			return err
		}
	case r.path == "" && story.Want != nil:
		if out.Diff, err = replay.Differ(string(story.Want), first.Text(), "as the story wants it", "as it is"); err != nil {
			return err
		}
	}
	if err := r.out.print(r.cmd.OutOrStdout(), out, func(w io.Writer) error {
		_, err := io.WriteString(w, cmp.Or(out.Diff, out.text))
		return err
	}); err != nil {
		return err
	}
	return differs(out.Diff != "")
}

// outcome is what came of a story, as JSON.
type outcome struct {
	Records []api.Record `json:"records"`
	Odd     []string     `json:"odd,omitempty"`  // what could not be read
	Diff    string       `json:"diff,omitempty"` // from what is wanted, or from what comes of the other configuration

	text string
}

func outcomeOf(o *replay.Outcome) outcome {
	out := outcome{Records: []api.Record{}, Odd: o.Odd, text: o.Text()}
	for _, rec := range o.Records {
		out.Records = append(out.Records, api.Record{Seq: rec.Seq, StoredAt: rec.StoredAt, Record: rec.Record})
	}
	return out
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
	return differs(!report.Same())
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
	cfg, err := configAt(path)
	if err != nil {
		return nil, err
	}
	report, err := file.Check(ctx, cfg)
	return report, unreadable(err)
}

// play plays a story by the configuration at a path, "" being its own.
func play(ctx context.Context, story *replay.File, path string) (*replay.Outcome, error) {
	cfg, err := configAt(path)
	if err != nil {
		return nil, err
	}
	out, err := story.Play(ctx, cfg)
	return out, unreadable(err)
}

// configAt is the configuration at a path, nil for none.
func configAt(path string) (*config.Config, error) {
	if path == "" {
		return nil, nil
	}
	return config.Read(path)
}

// unreadable says what helps where a file cannot be judged.
func unreadable(err error) error {
	switch {
	case errors.Is(err, replay.ErrNoConfig):
		return usageError{fmt.Errorf("%w with --config", err), "salvor replay"}
	case errors.Is(err, replay.ErrNotWhole):
		return advisedError{err, "export it again, and see that it ends well"}
	}
	return err
}

// differs is the error for what is different, which needs no more words.
func differs(different bool) error {
	if !different {
		return nil
	}
	return silentError{errors.New("it is different")}
}
