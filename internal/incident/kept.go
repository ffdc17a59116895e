package incident

import (
	"encoding/json"
	"time"
)

// Asked names the document of what policy was asked and what it said, in full.
type Asked struct {
	Ref string `json:"ref"`           // where it is stored
	Sum string `json:"sum,omitempty"` // SumOf it; empty in records of before documents had one
}

// StoredDecision is such a document as it is stored. It has no more than its bytes to say what it is: records tell which it should be.
type StoredDecision struct {
	Asked
	Incident ID
	Seq      uint64    // its place among all documents
	StoredAt time.Time // when it was stored
	Document json.RawMessage
}

// Kept is a record, a document or an entry of a trail as the store has it, byte for byte, for whoever checks it.
type Kept struct {
	Seq      uint64
	StoredAt time.Time
	Bytes    []byte
	Mark     string // SumOf the bytes that the writer sent, stored beside them; empty where none is
}
