package sim

import "testing"

func BenchmarkRun(b *testing.B) {
	lab, err := NewLab(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for n := range b.N {
		if _, err := lab.Run(b.Context(), uint64(n+1), NoBug); err != nil {
			b.Fatal(err)
		}
	}
}
