package audit

import (
	"encoding/json"
	"io"
	"time"
)

// Entry is an entry of a trail as people read it.
type Entry struct {
	Trail    string          `json:"trail"`
	Seq      uint64          `json:"seq"`
	StoredAt time.Time       `json:"stored_at"`
	Kind     string          `json:"kind"`
	Who      string          `json:"who"`
	Text     string          `json:"text"`
	Detail   json.RawMessage `json:"detail,omitempty"`
}

// Entries checks an audit and gives the entries of its trails, in their order. One that cannot be read is a break.
func (c *Check) Entries(r io.Reader) ([]Entry, Report, error) {
	entries := []Entry{}
	err := eachLine(r, func(line Line, _ []byte) error {
		if line.Is == IsEntry {
			e := Entry{}
			_ = json.Unmarshal(line.Bytes, &e) // what is no JSON the check says
			e.Trail, e.Seq, e.StoredAt = line.Of, line.Seq, line.StoredAt
			entries = append(entries, e)
		}
		return c.take(line)
	})
	if err != nil {
		return nil, c.report, err
	}
	return entries, c.report, c.whole()
}
