package console

import "testing"

// TestNewsGoesToThoseItIsFor: also when they do not take it, and not twice.
func TestNewsGoesToThoseItIsFor(t *testing.T) {
	w := newWatch()
	one, _ := w.join("one")
	all, _ := w.join("")
	for range 3 {
		w.moved("two")
	}
	if len(one) != 0 || len(all) != 1 {
		t.Errorf("one has %d and all has %d", len(one), len(all))
	}
	for range maxWatching - 2 {
		w.join("many")
	}
	if _, ok := w.join("more"); ok {
		t.Error("more watch than may")
	}
	w.leave(all)
	if _, ok := w.join("more"); !ok {
		t.Error("who left keeps their place")
	}
}
