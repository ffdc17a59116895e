package kube

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
)

// sum names texts, in their order.
func sum(texts ...string) uint64 {
	h := sha256.New()
	for _, t := range texts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(t), t) // a hash takes everything
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

func digits(digest uint64) string { return fmt.Sprintf("%016x", digest) }

// text is at most so many bytes of a text of somebody else's, and what is no UTF-8 left out, as a copy.
func text(t string, most int) string {
	return strings.Clone(strings.ToValidUTF8(t[:min(len(t), most)], ""))
}

// kindOf is the kind in an entity: "pod" of "pod/shop/web-1".
func kindOf(entity string) string {
	kind, _, _ := strings.Cut(entity, "/")
	return kind
}

func compare(a, b string) int { return cmp.Compare(a, b) }

func compareKeys[P state[P]](a, b P) int { return compare(a.identity().key, b.identity().key) }
