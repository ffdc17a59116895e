package scene

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// told are the steps of a scene but ticks and observers.
func told(t *testing.T, text string) []Step {
	t.Helper()
	steps, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var out []Step
	for _, s := range steps {
		if s.Event == nil || s.Event.Type != events.TypeTick && s.Event.Type != events.TypeObserver {
			out = append(out, s)
		}
	}
	return out
}

func payload[P any](t *testing.T, s Step) P {
	t.Helper()
	var p P
	if s.Event == nil {
		t.Fatalf("no event: %+v", s)
	}
	if err := s.Event.Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNodesAreBornReadyAndKeepWhatWasSaid(t *testing.T) {
	steps := told(t, "cluster prod\nnode a-1..a-2 zone=eu-1a\n+5s\nnode a-2 ready.status=Unknown unschedulable")
	if len(steps) != 5 {
		t.Fatalf("%d steps, want two nodes with their leases and a change", len(steps))
	}
	first, lease, last := payload[events.Node](t, steps[2]), payload[events.Lease](t, steps[3]), payload[events.Node](t, steps[4])
	if first.Name != "a-2" || first.Ready.Status != "True" || lease.Node != "a-2" || lease.State != events.LeaseFresh {
		t.Fatalf("born as %+v with %+v", first, lease)
	}
	if last.UID != first.UID || last.Zone != "eu-1a" || last.Ready.Status != "Unknown" || !last.Unschedulable || last.ResourceVersion == first.ResourceVersion {
		t.Fatalf("changed to %+v", last)
	}
	if got := steps[4].At.Sub(steps[0].At); got != 5*time.Second {
		t.Fatalf("changed after %s", got)
	}
}

func TestWhatComesAgainAfterItsEndIsAnother(t *testing.T) {
	steps := told(t, "cluster prod\nnode a-1\nnode a-1 gone\nnode a-1")
	before, after := payload[events.Node](t, steps[0]), payload[events.Node](t, steps[3])
	if before.UID == after.UID || after.Gone {
		t.Fatalf("%+v and %+v", before, after)
	}
}

func TestQuotesHoldAWordTogether(t *testing.T) {
	for text, want := range map[string][]string{
		`a "b c" d="e f"`:               {"a", "b c", "d=e f"},
		`x= "" y=""`:                    {"x=", "", "y="},
		`uses=[{"kind":"a b","n":1}] c`: {`uses=[{"kind":"a b","n":1}]`, "c"},
		`why="a=" z`:                    {"why=a=", "z"},
	} {
		if got, err := split(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestANodeIsSeenAsItWas(t *testing.T) {
	steps := told(t, `cluster prod`+"\n"+`node a-1 annotations={"example.com/a":"b"}`+"\n"+`node a-1 resourceVersion=1`)
	first, late := payload[events.Node](t, steps[0]), payload[events.Node](t, steps[2])
	if first.Annotations["example.com/a"] != "b" || late.ResourceVersion != "1" || late.UID != first.UID {
		t.Fatalf("%+v and %+v", first, late)
	}
}

func TestAnAlertThatFiresAlreadyIsTheSame(t *testing.T) {
	steps := told(t, "cluster prod\nalert Down node=a-1\n+1m\nalert Down node=a-1\n+1m\nalert Down node=a-1 resolved\n+1m\nalert Down node=a-1")
	var ids []string
	for _, s := range steps {
		ids = append(ids, s.Event.ID)
	}
	if ids[0] != ids[1] || ids[1] == ids[2] || ids[0] == ids[3] {
		t.Fatalf("ids are %q", ids)
	}
	if a := payload[events.Alert](t, steps[2]); a.Status != "resolved" || a.Labels.Of("node") != "a-1" || a.Fingerprint == "" {
		t.Fatalf("resolved as %+v", a)
	}
}

func TestSpansOfAnAlertOverlap(t *testing.T) {
	steps := told(t, "cluster prod\nalert Down .startsAt=@-10m\nalert Down .startsAt=@-1m\nalert Down .startsAt=@-10m resolved\nalert Down")
	first, second, ended, last := payload[events.Alert](t, steps[0]), payload[events.Alert](t, steps[1]), payload[events.Alert](t, steps[2]), payload[events.Alert](t, steps[3])
	if !second.StartsAt.After(first.StartsAt) || !ended.StartsAt.Equal(first.StartsAt) || !last.StartsAt.Equal(second.StartsAt) {
		t.Fatalf("since %s, %s, resolved since %s, since %s", first.StartsAt, second.StartsAt, ended.StartsAt, last.StartsAt)
	}
}

func TestAnAlertMaySaySinceWhenAndForWhat(t *testing.T) {
	steps := told(t, "cluster prod\nalert Down node=a-1\n+1m\nalert Down node=a-1 .startsAt=@-5s salvor_fault=\"data, config\"\nalert Down salvor_fault=database")
	since, free := payload[events.Alert](t, steps[1]), payload[events.Alert](t, steps[2])
	if steps[0].Event.ID == steps[1].Event.ID || !since.StartsAt.Equal(begins.Add(55*time.Second)) {
		t.Errorf("since %s", since.StartsAt)
	}
	if len(since.Kinds) != 2 || since.Kinds[1] != "config" || free.Kinds != nil {
		t.Errorf("narrowed to %q and %q", since.Kinds, free.Kinds)
	}
}

func TestValuesAreWhatTheirFieldsAre(t *testing.T) {
	steps := told(t, `cluster prod
workload Deployment/shop/web desired=3 revision=7 changed.at=@-1m uses=[{"kind":"Secret","name":"the db"}] # not said
alert Down node="a \"b\" # \x1b[2J" .annotations.n=5`)
	w, a := payload[events.Workload](t, steps[0]), payload[events.Alert](t, steps[1])
	if w.Desired != 3 || w.Revision != "7" || !w.Changed.At.Equal(begins.Add(-time.Minute)) || len(w.Uses) != 1 || w.Uses[0].Name != "the db" {
		t.Errorf("%+v", w)
	}
	if a.Labels.Of("node") != "a \"b\" # \x1b[2J" || a.Annotations.Of("n") != "5" {
		t.Errorf("%+v", a)
	}
}

func TestRangesOfObjectsSayTheirNamespaceOnce(t *testing.T) {
	steps := told(t, "cluster prod\nobject ConfigMap/shop/c-1..c-3\npod shop/web-1..shop/web-2 trouble=Error")
	if len(steps) != 5 || steps[2].Event.Entity != "configmap/shop/c-3" || steps[4].Event.Entity != "pod/shop/web-2" {
		t.Fatalf("%d steps", len(steps))
	}
}

func TestLinesAreRepeated(t *testing.T) {
	steps := told(t, "cluster prod\nrepeat 3\nalert Down\n+2s\nalert Down resolved\nend\nprobe r1 etcd up expires=@+1h")
	if len(steps) != 7 || steps[4].At.Sub(steps[0].At) != 4*time.Second || steps[0].Event.ID == steps[2].Event.ID {
		t.Fatalf("%d steps", len(steps))
	}
	if p := payload[events.Probe](t, steps[6]); !p.Expires.Equal(steps[6].At.Add(time.Hour)) {
		t.Fatalf("expires %s", p.Expires)
	}
}

func TestTimePasses(t *testing.T) {
	steps, err := Parse([]byte("cluster prod\nprobe w1 apiserver up witness\n+60s\nsilent probe w1 apiserver\nblind nodes\n+60s"))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, s := range steps {
		of, repeats := events.SaidOf(s.Event.Entity)
		if repeats && s.Event.Type == events.TypeProbe {
			count["probed again"]++
		}
		switch {
		case s.Event.Type == events.TypeObserver && strings.HasSuffix(of, "/nodes"):
			if payload[events.Observer](t, s).Seeing {
				count["sees"]++
			} else {
				count["blind"]++
			}
		default:
			count[string(s.Event.Type)]++
		}
	}
	if count[string(events.TypeTick)] != 120 || count[string(events.TypeProbe)] != 7 || count["probed again"] != 6 || count["sees"] != 7 || count["blind"] != 7 {
		t.Fatalf("counted %v", count)
	}
}

// What is said at the second at which somebody would have said the old again is another event, or a log would leave it out.
func TestWhatIsSaidAnewIsAnotherEvent(t *testing.T) {
	steps, err := Parse([]byte("cluster prod\nprobe w1 apiserver up\n+10s\nprobe w1 apiserver down\nblind nodes"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range steps {
		if seen[s.Event.ID] {
			t.Errorf("%s comes twice", s.Event.ID)
		}
		seen[s.Event.ID] = true
	}
}

// A life begins with watches that do not see yet, as a replica has it before it judges.
func TestACrashComesAfterTheWatchesWentBlind(t *testing.T) {
	steps, err := Parse([]byte("cluster prod\n+1s\ncrash\n+5s"))
	if err != nil {
		t.Fatal(err)
	}
	seeing, crashed := true, false
	for _, s := range steps {
		switch {
		case s.Order.Word == "crash":
			if crashed = true; seeing {
				t.Error("its watches see as it begins")
			}
		case s.Event.Type == events.TypeObserver && strings.HasSuffix(s.Event.Entity, "/nodes"):
			seeing = payload[events.Observer](t, s).Seeing
		}
	}
	if !crashed || !seeing {
		t.Errorf("crashed: %v, sees in the end: %v", crashed, seeing)
	}
}

func TestWhatIsNoScene(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"node a-1", "line 1: no cluster"},
		{"cluster prod\n\nfly a-1", `line 3: "fly" is no word`},
		{"cluster prod\n+1y", "no time that can pass"},
		{"cluster prod\n+900h", "no time that can pass"},
		{"cluster prod\n+740h", "line 2: more than 500000 events: let less time pass"},
		{"cluster prod\nnode a-5..a-1", "no range"},
		{`cluster prod` + "\n" + `node "a-1`, "not closed"},
		{"cluster prod\nsilent probe w1", "nobody says"},
		{"cluster prod\nprobe w1 apiserver sideways", "say: probe"},
		{"cluster prod\nobject a/b/c/d", "no name of an object"},
		{"cluster prod\nnode a-1 created=@noon", "is no time"},
		{"cluster prod\nfails", "does not say of what"},
		{"cluster prod\nnode a-1 redy.status=False", `no field "redy"`},
		{"cluster prod\nnode a-1 ready.status.of=False", "ready.status has no fields"},
		{"cluster prod\nalert X resolvd", `no field "resolvd"`},
		{"cluster prod\nalert X .startsAt=noon", "parsing time"},
		{"cluster prod\nprobe r1 apiserver up expires=@soon", "is no time"},
		{`cluster prod` + "\n" + `alert X of="\q"`, "an escape that Go does not know"},
		{"cluster prod\nrepeat 3\n+1s", "line 2: repeat has no end"},
		{"cluster prod\nrepeat 5000\n+1s\nend", "want a number from 1 to 1000"},
		{"cluster prod\nrepeat 2\nrepeat 2", "no repeat within another"},
		{"cluster prod\nrepeat 2\n+1s\nfly a-1\nend", `line 5: line 4, repeated: "fly" is no word`},
		{"cluster prod\nend", "nothing is repeated"},
	} {
		if _, err := Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("cluster prod\nnode a-1..a-3 zone=a\n+30s\nlease a-1 stale\nalert X node=a-1 .truncated=true\nagain 2\ncrash")
	f.Add("cluster p\nobject Kind/ns/name x.y.z=[1] at=@-5m\nsilence s a=b gone\nfalco f rule=\"a b\" k8s.ns.name=x")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "+") > 3 || len(text) > 2000 || strings.Contains(text, "..") {
			return // long, not odd
		}
		steps, err := Parse([]byte(text))
		for _, s := range steps {
			if s.Event != nil && err == nil {
				if bad := s.Event.Validate(); bad != nil {
					t.Fatal(bad)
				}
			}
		}
	})
}

// What is said at the second at which somebody would have said the old again is another event, or a log would leave it out.
func TestWhatProbersAndWatchesSayAnewIsAnotherEvent(t *testing.T) {
	steps, err := Parse([]byte("cluster prod\nprobe w1 apiserver up\n+10s\nprobe w1 apiserver up expires=@+1h\nprobe w1 apiserver down\nblind nodes"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range steps {
		if seen[s.Event.ID] {
			t.Errorf("%s comes twice", s.Event.ID)
		}
		seen[s.Event.ID] = true
	}
}
