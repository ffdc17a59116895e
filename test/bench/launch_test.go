package main

import "testing"

func TestMemoryOf(t *testing.T) {
	status := "Name:\tsalvor\nVmPeak:\t  999999 kB\nVmSize:\t  888888 kB\nVmRSS:\t   76800 kB\nRssAnon:\t 1 kB\n"
	if got, err := memoryOf(status, "VmRSS"); err != nil || got != 75 {
		t.Errorf("got %v, %v; want 75 MiB", got, err)
	}
	if got, err := memoryOf("Name:\tzombie\n", "VmRSS"); err == nil {
		t.Errorf("got %v of a process that has no memory any more", got)
	}
}
