package rollout

import (
	"encoding/json"
	"fmt"

	"github.com/salvor-io/salvor/internal/ledger"
)

// TrailName is the trail that says which policy is in force.
const TrailName = "policy"

// The kinds of its entries.
const (
	entryInForce   = "in_force"  // a candidate is in force, since nothing gets looser by it, or since it is the first
	entryHeld      = "held"      // a candidate waits for a person; it takes the place of one that was held
	entryOffered   = "offered"   // a source holds what is in force, or held, already; where it is in force, nothing is held any more
	entryRefused   = "refused"   // a source holds nothing that can be used
	entryActivated = "activated" // a person said that what was held is in force
)

// Offer says what was offered, and by whom.
type Offer struct {
	Revision string `json:"revision,omitempty"` // of the policy; "" of one that could not be read
	Digest   string `json:"digest"`             // of what the source holds, tests included
	Source   string `json:"source"`             // as people read it
	Author   string `json:"author,omitempty"`   // the person who wrote or signed it; "" when that is not known
	Signed   bool   `json:"signed,omitempty"`   // a key of theirs says so; entries of older versions never do
	Replica  string `json:"replica"`            // whose source it is
}

// Awaits says what has to happen before a policy that is held is in force.
func (o Offer) Awaits() string {
	if o.Author == "" {
		return "it is signed, or a file of it is changed, since it is not known who wrote it"
	}
	return fmt.Sprintf("another person than %s activates it", o.Author)
}

// detail is what programs read of an entry.
type detail struct {
	Offer
	Report   *Report  `json:"report,omitempty"`   // what it would change
	Problems []string `json:"problems,omitempty"` // what is wrong with it
	Reason   string   `json:"reason,omitempty"`   // why it was activated
}

func detailOf(e ledger.Placed) (detail, error) {
	var d detail
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return detail{}, fmt.Errorf("read entry %d of the trail: %w", e.Seq, err)
	}
	return d, nil
}
