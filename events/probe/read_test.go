package probe

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

func TestRead(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{`{"by":"w","target":"apiserver","up":true,"took":0.01,"expires":"2027-01-01T00:00:00Z","newer":1}`, ""},
		{`{"by":"w","target":"etcd","up":false,"reason":"connection refused"}`, ""},
		{`{"by":"w","target":"etcd","witness":true,"up":true}`, ""},
		{`{"by":"w","target":"dns","up":true}`, "target"},
		{`{"by":"w","up":true}`, "target"},
		{`{"target":"etcd","up":true}`, "name"},
		{`{"by":"a/b","target":"etcd","up":true}`, "name"},
		{`{"by":"a\nb","target":"etcd","up":true}`, "name"},
		{`{"by":"` + strings.Repeat("w", 129) + `","target":"etcd","up":true}`, "name"},
		{`{"by":"w","target":"etcd","up":true,"reason":"x"}`, "why"},
		{`{"by":"w","target":"etcd"}`, "why"},
		{`{"by":"w","target":"etcd","reason":"a\nb"}`, "line"},
		{`{"by":"w","target":"etcd","reason":"` + strings.Repeat("x", 257) + `"}`, "line"},
		{`{"by":"w","target":"etcd","up":true,"took":-1}`, "took"},
		{`{"by":"w","target":"etcd","up":true,"took":1e300}`, "took"},
		{`{"by":"w","target":"etcd","up":true,"expires":"1969-01-01T00:00:00Z"}`, "year"},
		{`{"by":"w","target":"etcd","up":true,"expires":"9999-12-31T23:59:59-23:00"}`, "year"},
		{`{"by":"w","target":"etcd","up":"yes"}`, "read probe"},
		{`{"by":"w","target":"etcd","up":true} x`, "read probe"},
		{`null`, "target"},
		{`[]`, "read probe"},
		{`{"x":"` + strings.Repeat("x", maxPayload) + `"}`, "bytes"},
	} {
		_, err := Read([]byte(c.data))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: %v, want %q", c.data, err, c.want)
		}
	}
}

// FuzzRead holds that what is read can be written and read again, the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"by":"w","target":"apiserver","up":true,"took":0.01,"expires":"2027-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"by":"w","target":"etcd","reason":"\ud800 \u2028"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatalf("taken and not to be written: %v", err)
		}
		back, err := Read(text)
		if diff := cmp.Diff(p, back); err != nil || diff != "" {
			t.Errorf("read back: %v %s", err, diff)
		}
		if p.Target != TargetAPIServer && p.Target != TargetEtcd {
			t.Errorf("target is %q", p.Target)
		}
	})
}

// FuzzOneLine holds that any text becomes a reason that is taken.
func FuzzOneLine(f *testing.F) {
	f.Add("x\n\x00 y" + strings.Repeat("ü", 200))
	f.Fuzz(func(t *testing.T, text string) {
		if err := check(events.Probe{By: "w", Target: TargetEtcd, Reason: oneLine("it says: " + text)}); err != nil {
			t.Error(err)
		}
	})
}
