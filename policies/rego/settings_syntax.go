package rego

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlError takes apart what the library says: a line, if it names one, and what is wrong.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// unparsed says where a file is no YAML, or no JSON by its name.
func unparsed(one file, err error) Problem {
	var wrong *json.SyntaxError
	if path.Ext(one.path) == ".json" && errors.As(json.Unmarshal(one.text, new(any)), &wrong) {
		return Problem{one.path, lineAt(one.text, max(int(wrong.Offset)-1, 0)), fmt.Sprintf("this is no JSON: %s", wrong)}
	}
	line, why := placeOf(one.text, err)
	return Problem{one.path, line, "this is no YAML: " + why}
}

// placeOf takes apart why a text is no YAML. The library names the line of a word that YAML does not have. Of what does not go on as it began
// it names the line before that on which it began; a block begins far above, so there it matters how far the library had read. So it does
// where no line is named.
func placeOf(text []byte, err error) (line int, why string) {
	why = err.Error()
	if said := yamlError.FindStringSubmatch(why); said != nil {
		line, _ = strconv.Atoi(said[1]) // 0 when none is named
		why = said[2]
	}
	read := linesRead(text)
	if alias, unknown := strings.CutPrefix(why, "unknown anchor '"); unknown {
		alias, _, _ = strings.Cut(alias, "'")
		return lineAt(text, max(bytes.Index(text, []byte("*"+alias)), 0)), why
	}
	switch rest, broken := strings.CutPrefix(why, "did not find expected "); {
	case line == 0, broken && (rest == "key" || rest == "'-' indicator"):
		return read, why
	case broken:
		return min(line+1, read), why
	case why == "found character that cannot start any token" && beginsWithTab(text, line):
		return line, "a line may begin with blanks, not with a tab"
	}
	return line, why
}

// lineAt is the line of a byte.
func lineAt(text []byte, at int) int { return 1 + bytes.Count(text[:at], []byte("\n")) }

func beginsWithTab(text []byte, line int) bool {
	lines := bytes.Split(text, []byte("\n"))
	return line <= len(lines) && bytes.HasPrefix(bytes.TrimLeft(lines[line-1], " "), []byte("\t"))
}

// linesRead says how many lines the library reads until it finds that a text is no YAML.
func linesRead(text []byte) int {
	in := &lineReader{lines: bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))}
	reader := yaml.NewDecoder(in)
	for reader.Decode(new(yaml.Node)) == nil {
		continue
	}
	return in.begun
}

// lineReader gives one line at a time, and counts them. Words get blanks behind them, since the library looks some letters ahead.
type lineReader struct {
	lines [][]byte
	begun int
	left  []byte // of the last that was begun
}

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if r.begun == len(r.lines) {
			return 0, io.EOF
		}
		line := bytes.TrimRight(r.lines[r.begun], " \t\r")
		r.begun++
		if r.left = []byte("\n"); len(line) > 0 {
			r.left = append(bytes.Clone(line), "    \n"...)
		}
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// unreadable is the first node of a document that rules cannot be given, such as a key that is a list; nil when they can be given all.
func unreadable(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.ScalarNode && !hasJSON(n) {
		return n
	}
	for i, below := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && below.Kind != yaml.ScalarNode {
			return below
		}
		if found := unreadable(below); found != nil {
			return found
		}
	}
	return nil
}

// hasJSON says whether a value can be told in JSON, as not-a-number cannot.
func hasJSON(n *yaml.Node) bool {
	var value any
	if n.Decode(&value) != nil {
		return false
	}
	_, err := json.Marshal(value)
	return err == nil
}
