package events

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"
)

// LabelSet are labels or annotations, in one text: of a storm of alerts hundreds of thousands are held, and maps would be most of what
// they take. Two are the same (==) when they hold the same. The zero LabelSet is empty. As JSON it is an object of texts.
type LabelSet struct {
	packed string // each name and its value, in the order of the names: the length as a uvarint, then the text
}

// NewLabelSet makes a set of what a map holds.
func NewLabelSet(labels map[string]string) LabelSet {
	var packed []byte
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		packed = pack(pack(packed, name), labels[name])
	}
	return LabelSet{string(packed)}
}

// Of is the value of a label; "" when there is none.
func (s LabelSet) Of(name string) string {
	for n, value := range s.All() {
		if n == name {
			return value
		}
	}
	return ""
}

// All are the labels in the order of their names.
func (s LabelSet) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for rest := s.packed; rest != ""; {
			var name, value string
			name, rest = unpack(rest)
			value, rest = unpack(rest)
			if !yield(name, value) {
				return
			}
		}
	}
}

// Equal says that both hold the same.
func (s LabelSet) Equal(t LabelSet) bool { return s == t }

// String is the set as people write it: {alertname="Watchdog", job="etcd"}.
func (s LabelSet) String() string {
	var pairs []string
	for name, value := range s.All() {
		quoted, _ := json.Marshal(value)
		pairs = append(pairs, name+"="+string(quoted))
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

// MarshalJSON implements [json.Marshaler].
func (s LabelSet) MarshalJSON() ([]byte, error) { return json.Marshal(maps.Collect(s.All())) }

// UnmarshalJSON implements [json.Unmarshaler].
func (s *LabelSet) UnmarshalJSON(text []byte) error {
	if packed, ok := repack(text); ok {
		s.packed = packed
		return nil
	}
	var labels map[string]string
	if err := json.Unmarshal(text, &labels); err != nil {
		return err
	}
	*s = NewLabelSet(labels)
	return nil
}

func pack[T string | []byte](packed []byte, text T) []byte {
	return append(binary.AppendUvarint(packed, uint64(len(text))), text...)
}

func unpack(packed string) (text, rest string) {
	length, read := binary.Uvarint([]byte(packed[:min(len(packed), binary.MaxVarintLen64)]))
	end := read + int(length)
	return packed[read:end], packed[end:]
}

// repack packs JSON of the form in which most sets are rendered, in one go: without spaces, with nothing escaped, in the order of the
// names. It says no to any other form, which may be well all the same.
func repack(text []byte) (packed string, ok bool) {
	if string(text) == "{}" {
		return "", true
	}
	out, last, rest := make([]byte, 0, 1<<10), []byte(nil), text
	for begin := "{"; string(rest) != "}"; begin = "," {
		name, behind, well := plain(rest, begin)
		value, behind, whole := plain(behind, ":")
		if !well || !whole || last != nil && bytes.Compare(last, name) >= 0 {
			return "", false
		}
		out, last, rest = pack(pack(out, name), value), name, behind
	}
	return string(out), true
}

// plain cuts off what begins so, and a text of plain ASCII in quotes behind it.
func plain(in []byte, begin string) (text, rest []byte, ok bool) {
	in, ok = bytes.CutPrefix(in, []byte(begin+`"`))
	if !ok {
		return nil, nil, false
	}
	for i, b := range in {
		switch {
		case b == '"':
			return in[:i], in[i+1:], true
		case b == '\\' || b < ' ' || b > '~':
			return nil, nil, false
		}
	}
	return nil, nil, false
}
