package responders

import (
	"math"
	"testing"
)

func TestComparisonsHold(t *testing.T) {
	for text, holds := range map[string][3]bool{ // of 1, 2 and 3
		"== 2": {false, true, false}, "!= 2": {true, false, true}, ">= 2": {false, true, true},
		"<= 2": {true, true, false}, "> 2": {false, false, true}, "<2e0": {true, false, false},
	} {
		c, err := ParseComparison(text)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range holds {
			if value := float64(i + 1); c.Holds(value) != want {
				t.Errorf("%v %s: want %t", value, c, want)
			}
		}
		if c.Holds(math.NaN()) {
			t.Errorf("%s holds for what is no number", c)
		}
		if again, err := ParseComparison(c.String()); err != nil || again != c {
			t.Errorf("%s is read as %v, %v", c, again, err)
		}
	}
	if (Comparison{}).Holds(0) {
		t.Error("the zero comparison holds")
	}
}

func TestWhatIsNoComparison(t *testing.T) {
	for _, text := range []string{"", "0.99", ">=", ">= x", "= 1", "=> 1", "=~ 1", "> NaN", "< Inf", "> 1 or 1", " > 1", "> 1e999"} {
		if c, err := ParseComparison(text); err == nil {
			t.Errorf("%q is read as %s", text, c)
		}
	}
}
