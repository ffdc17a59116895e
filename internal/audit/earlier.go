package audit

import (
	"fmt"
	"time"
)

// Earlier is an audit that was signed and kept: what had been recorded then.
type Earlier struct {
	Begin
	Heads []Head
}

const day = "2006-01-02 15:04:05 UTC"

// compare checks that what the earlier audit ended with is still what is there.
func (c *Check) compare(line Line, sum string, rec linked) {
	head, known := c.unmet[line.Of]
	if !known || head.Seq != line.Seq || head.Trail != (line.Is == IsEntry) {
		return
	}
	delete(c.unmet, line.Of)
	if head.Sum != sum {
		c.broke(Break{line.Of, line.Seq, rec.Kind, fmt.Sprintf("it is not what the audit of %s has: it was written anew since, and maybe all before it", c.earlier.At.Format(day))})
	}
}

// missing finds what the earlier audit has and is not there any more.
func (c *Check) missing() {
	if c.earlier == nil {
		return
	}
	for _, head := range c.earlier.Heads {
		if _, unmet := c.unmet[head.Of]; unmet && c.expects(head) {
			c.broke(Break{Of: head.Of, Seq: head.Seq, What: fmt.Sprintf("the audit of %s ends with it, and it is not there any more", c.earlier.At.Format(day))})
		}
	}
}

// expects says whether this audit has to have what ended with a head.
func (c *Check) expects(head Head) bool {
	b := c.report.Begin
	switch {
	case b.Only != "":
		return head.Of == string(b.Only)
	case head.Trail:
		return true
	case b.OnlyTrails:
		return false
	}
	kept := b.At.Add(-time.Duration(b.KeptDays) * 24 * time.Hour)
	return !head.Last.Before(b.From) && head.First.Before(b.To) && !head.Last.Before(kept)
}
