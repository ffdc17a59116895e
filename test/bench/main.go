// The benchmarks measure Salvor side by side with a peer or a floor: stock Kubernetes, or what NATS alone needs for the same
// durability. Each prints what it compares and says so when its goal is missed; bench.json holds the same for machines.
//
// The figures are those of the machine they are taken on, and of how busy it is. Ratios stand that better than times: both
// sides of a ratio are measured in one interleaved run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// benchmark measures one or more rows.
type benchmark struct {
	rows    []string // their names
	takes   string   // about how long
	measure func(context.Context, *bench) ([]row, error)
}

// benchmarks are all there are, in the order in which they run: those that want a quiet machine come before the stack.
func benchmarks() []benchmark {
	return []benchmark{
		{[]string{"intake_ratio", "intake_floor_ratio"}, "15 s", measureIntake},
		{[]string{"intake_group_ratio"}, "15 s", measureIntakeGroup},
		{[]string{"event_to_effect_ratio"}, "15 s", measureEffect},
		{[]string{"fault_to_write_p99_ms"}, "6 min", measureFaultToWrite},
		{[]string{"vote_to_effect_p99_ms"}, "6 min", measureVoteToEffect},
		{[]string{"decision_ratio", "decision_naive_ratio"}, "5 s", measureDecision},
		{[]string{"policy_1000_rules_ratio"}, "10 s", measurePolicyRules},
		{[]string{"policy_swap_mixed"}, "20 s", measureSwap},
		{[]string{"policy_replay_s"}, "1 min", measurePolicyReplay},
		{[]string{"classify_pass_ms", "classify_well_ms"}, "10 s", measureClassify},
		{[]string{"console_list_ms"}, "5 s", measureConsole},
		{[]string{"card_edits_per_s"}, "25 s", measureEdits},
		{[]string{"replay_events_per_s"}, "30 s", measureReplay},
		{[]string{"storm_lost", "storm_critical_p99_ms", "storm_rss_mib"}, "2 min", measureStorm},
		{[]string{"view_heap_ratio"}, "1 min", measureHeap},
		{[]string{"sim_recall", "sim_false_wide"}, "25 min, SEEDS=1000 for a tenth of it", measureSim},
		{[]string{"cold_start_ms", "idle_rss_mib"}, "2 min", measureStart},
		{[]string{"restore_overhead_ratio", "restore_waves_ratio"}, "10 min", measureRestore},
		{[]string{"node_recovery_ratio", "stateful_recovery_s"}, "32 min", measureRecovery},
	}
}

func main() {
	only := flag.String("only", "", "measure this row only")
	out := flag.String("out", "bench.json", "where the figures are written as JSON")
	binary := flag.String("salvor", "bin/salvor", "the salvor to measure where a process is measured (make build)")
	seeds := flag.Uint64("seeds", 10_000, "how many seeds of the simulation are run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, options{*only, *out, *binary, *seeds}); err != nil {
		fmt.Fprintln(os.Stderr, "not all was measured:", err)
		stop()
		os.Exit(1)
	}
}

type options struct {
	only, out, binary string
	seeds             uint64
}

// run measures what was asked for and writes it down. What cannot be measured keeps nothing else from being so.
func run(ctx context.Context, opt options) (err error) {
	wanted, err := choose(opt.only)
	if err != nil {
		return err
	}
	b, err := newBench(opt.binary, opt.seeds)
	if err != nil {
		return err
	}
	defer closing(&err, b.close)
	about, err := b.machine()
	if err != nil {
		return err
	}
	var rows []row
	var troubles []error
	fmt.Printf("%s\n%s", about, header())
	for _, m := range wanted {
		say("measuring %s (about %s)", strings.Join(m.rows, " and "), m.takes)
		measured, err := m.measure(ctx, b)
		if err != nil {
			troubles = append(troubles, fmt.Errorf("measure %s: %w", strings.Join(m.rows, " and "), err))
			say("%v", troubles[len(troubles)-1])
		}
		for _, r := range measured {
			fmt.Print(r)
		}
		rows = append(rows, measured...)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errors.Join(troubles...), ctx.Err(), write(opt.out, rows))
}

// choose finds the benchmark that measures a row; without a name it is all of them.
func choose(only string) ([]benchmark, error) {
	all := benchmarks()
	if only == "" {
		return all, nil
	}
	var names []string
	for _, m := range all {
		if slices.Contains(m.rows, only) {
			return []benchmark{m}, nil
		}
		names = append(names, m.rows...)
	}
	return nil, fmt.Errorf("nothing measures %q; there are: %s", only, strings.Join(names, ", "))
}
