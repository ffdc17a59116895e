package main

import (
	"fmt"
	"github.com/salvor-io/salvor/policies"
	"syscall"
	"testing"
	"time"
)

func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(0, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
func TestTmp(t *testing.T) {
	shipped, _ := compile(t.Context(), nil)
	candidate, err := compile(t.Context(), own(map[string]string{"shop.rego": candidateRules}))
	if err != nil {
		t.Fatal(err)
	}
	in := newIncidents(1)
	documents, err := record(t.Context(), policies.Judge{Engine: shipped}, in)
	if err != nil {
		t.Fatal(err)
	}
	var total tally
	for range 4 {
		candidate, _ = compile(t.Context(), own(map[string]string{"shop.rego": candidateRules}))
		b, c := time.Now(), cpu()
		if err := total.replay(t.Context(), candidate, documents); err != nil {
			t.Fatal(err)
		}
		fmt.Println(float64(time.Since(b).Microseconds())/5000, "us wall", float64((cpu()-c).Microseconds())/5000, "us cpu")
	}
	fmt.Println(total.changes)
}
