package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/policies/rego/regotest"
)

// testWithin bounds all tests of a candidate together.
const testWithin = time.Minute

// OwnTests is the Tester that runs what the author wrote beside the rules, and the recorded cases.
type OwnTests struct{}

// Test implements Tester.
func (OwnTests) Test(ctx context.Context, p rego.Policy) error {
	if !p.Tested() {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, testWithin, fmt.Errorf("its tests do not end within %s", testWithin))
	defer cancel()
	report, err := regotest.Run(ctx, p.Sources(), regotest.Options{})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	var failed []string
	for _, one := range report.Results {
		if one.Bad() {
			why, _, _ := strings.Cut(one.Why, "\n")
			failed = append(failed, fmt.Sprintf("%s:%d: the test %s fails: %s", one.File, one.Line, one.Name, why))
		}
	}
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, "\n"))
	}
	return nil
}
