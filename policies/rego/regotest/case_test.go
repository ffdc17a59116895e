package regotest

import (
	"os"
	"regexp"
	"testing"
)

func TestCaseInTheGuideIsRead(t *testing.T) {
	guide, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(guide)
	if block == nil {
		t.Fatal("the guide has no case")
	}
	if c, err := ReadCase(block[1]); err != nil || c.Want.Reasons == nil {
		t.Errorf("%+v, %v", c, err)
	}
}
