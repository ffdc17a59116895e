package password

import (
	"fmt"
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
		tries := newTries(w.clock, func(name string) bool { return name == "ada" })
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

// TestFlood: whoever tries very many names and addresses keeps nobody out, is not remembered without bound, and has what is known of a name not
// forgotten by it.
func TestFlood(t *testing.T) {
	w := &wall{time.Now()}
	tries := newTries(w.clock, func(name string) bool { return name == "ada" || name == "bob" })
	for range ofName.free {
		tries.may("bob", "there")
	}
	for i := range maxWatched/2 + 200 {
		w.now = w.now.Add(time.Millisecond / 100)
		tries.may(fmt.Sprint("name", i), fmt.Sprint("from", i))
	}
	if len(tries.seen) > maxWatched+1 {
		t.Errorf("%d are watched", len(tries.seen))
	}
	if !tries.may("ada", "here") {
		t.Error("a flood keeps out others")
	}
	if tries.may("bob", "elsewhere") {
		t.Error("a flood has the tries of a name forgotten")
	}
	b := newBook(t, w)
	b.Check(t.Context(), strings.Repeat("n", 16<<10), "here", "x")
	for key := range b.tries.seen {
		if len(key.is) > mostName {
			t.Errorf("%d bytes are kept of a name", len(key.is))
		}
	}
}

// TestNetworks: whoever has a network of IPv6 has no more tries than who has one address.
func TestNetworks(t *testing.T) {
	for address, free := range map[string]bool{"2001:db8:0:%x::1": true, "2001:db8::%x": false, "fe80::%x%%eth0": false, "10.0.0.%d": true, "::ffff:10.0.0.%d": true} {
		tries := newTries((&wall{time.Now()}).clock, func(string) bool { return false })
		looked := 0
		for i := range 2 * ofAddress.free {
			if tries.may(fmt.Sprint("name", i), fmt.Sprintf(address, i+1)) {
				looked++
			}
		}
		if all := looked == 2*ofAddress.free; all != free {
			t.Errorf("%s: %d are looked at", address, looked)
		}
	}
}

// TestOwnPasswordGivesNoGuesses: who has a password of their own, and types it between guesses of others', is made to wait all the same.
func TestOwnPasswordGivesNoGuesses(t *testing.T) {
	tries := newTries((&wall{time.Now()}).clock, func(string) bool { return true })
	guesses := 0
	for i := range 10 * ofAddress.free {
		if tries.may(fmt.Sprint("name", i), "here") {
			guesses++
		}
		if tries.may("eve", "here") {
			tries.forget("eve", "here")
		}
	}
	if guesses > ofAddress.free {
		t.Errorf("%d guesses are looked at", guesses)
	}
	for range 10 * ofAddress.free {
		if !tries.may("olga", "office") {
			t.Fatal("people of one address keep each other out though none of them guesses")
		}
		tries.forget("olga", "office")
	}
}

// TestTimeTellsNoNames: where hashes take different times to check, names that nobody has take each of them, too, and each always the same.
func TestTimeTellsNoNames(t *testing.T) {
	strong, err := bcrypt.GenerateFromPassword([]byte("correct horse battery"), leastCost+1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBook(map[string]string{"ada": quick(t, "correct horse battery"), "bob": string(strong)}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]int{}
	for i := range 100 {
		cost, err := bcrypt.Cost(b.stranger(fmt.Sprint("nobody", i)))
		again, _ := bcrypt.Cost(b.stranger(fmt.Sprint("nobody", i)))
		if err != nil || again != cost {
			t.Fatal(cost, again, err)
		}
		seen[cost]++
	}
	if len(seen) != 2 || seen[leastCost] < 20 || seen[leastCost+1] < 20 {
		t.Errorf("names that nobody has cost %v", seen)
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
