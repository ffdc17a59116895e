package password

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// quick is a hash that is quickly checked.
func quick(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), leastCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

type wall struct{ now time.Time }

func (w *wall) clock() time.Time { return w.now }

func newBook(t *testing.T, w *wall) *Book {
	t.Helper()
	b, err := NewBook(map[string]string{"ada": "ada:" + quick(t, "correct horse battery")}, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCheck(t *testing.T) {
	b := newBook(t, &wall{time.Now()})
	for name, c := range map[string]struct {
		name, password string
		want           bool
	}{
		"right": {"ada", "correct horse battery", true}, "wrong": {"ada", "correct horse", false}, "empty": {"ada", "", false}, "nobody": {"eve", "correct horse battery", false},
		"what nobody is checked against": {"eve", "nobody has this password", false}, "another case": {"Ada", "correct horse battery", false},
		"too long": {"ada", "correct horse battery" + strings.Repeat("x", 80), false},
	} {
		if got := b.Check(t.Context(), c.name, name, c.password); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestGuessing: the right password is refused while the name, or the address, is made to wait; not after that.
func TestGuessing(t *testing.T) {
	for what, c := range map[string]struct {
		address     func(i int) (name, from string)
		least, most int
	}{
		"one name from everywhere": {func(i int) (string, string) { return "ada", strings.Repeat("x", i+1) }, 60, 75},
		"all names from one":       {func(i int) (string, string) { return strings.Repeat("x", i+1), "here" }, 700, 760},
	} {
		w := &wall{time.Now()}
		tries := newTries(w.clock)
		looked := 0
		for i := range 3600 { // one a second for an hour
			if name, from := c.address(i); tries.may(name, from) {
				looked++
			}
			w.now = w.now.Add(time.Second)
		}
		if looked < c.least || looked > c.most {
			t.Errorf("%s: %d of 3600 guesses were looked at", what, looked)
		}
	}
	w := &wall{time.Now()}
	b := newBook(t, w)
	for range ofName.free {
		b.Check(t.Context(), "ada", "here", "wrong")
	}
	if b.Check(t.Context(), "ada", "elsewhere", "correct horse battery") {
		t.Error("the sixth try is looked at at once")
	}
	w.now = w.now.Add(2 * time.Second)
	for range 2 {
		if !b.Check(t.Context(), "ada", "elsewhere", "correct horse battery") {
			t.Error("who waited is refused")
		}
	}
}

func TestWhatIsWatchedIsBounded(t *testing.T) {
	w := &wall{time.Now()}
	tries := newTries(w.clock)
	for i := range 2 * maxWatched {
		tries.may(strings.Repeat("n", i%50)+time.Duration(i).String(), time.Duration(i).String())
	}
	if len(tries.seen) > maxWatched+1 {
		t.Errorf("%d are watched", len(tries.seen))
	}
	w.now = w.now.Add(forgotten)
	if !tries.may("ada", "here") {
		t.Error("what is old is not forgotten")
	}
}

func TestHashes(t *testing.T) {
	for password, well := range map[string]bool{"short": false, "long enough for this": true, strings.Repeat("x", 73): false} {
		hash, err := Hash(password)
		if (err == nil) != well || well && CheckHash(hash) != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
	weak, _ := bcrypt.GenerateFromPassword([]byte("x"), bcrypt.MinCost)
	for name, hash := range map[string]string{"weak": string(weak), "plain": "secret", "empty": "", "apache": "ada:$apr1$x$y"} {
		if CheckHash(hash) == nil {
			t.Errorf("%s is taken", name)
		}
		if _, err := NewBook(map[string]string{"ada": hash}, time.Now); err == nil {
			t.Errorf("%s makes a book", name)
		}
	}
}
