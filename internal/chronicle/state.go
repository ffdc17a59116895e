package chronicle

import (
	"cmp"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/config"
)

// State is what a replica is configured with, by the path of each setting: "clusters.prod-eu.modes.node" is "act". A setting that is
// empty has no place. What may be secret, and where it is kept, has a digest that tells no more than that it has changed.
type State map[string]string

// apart are the settings that say neither what is judged by nor who may do what, but where and how Salvor runs.
var apart = []string{"data_dir", "external_url", "listen", "console", "nats", "log"}

// secretive are the last parts of the paths of settings that may hold a secret or lead to one.
var secretive = []string{"url", "kubeconfig", "command", "endpoints"}

// StateOf reads what a configuration holds, with the tokens and the folders that it names.
func StateOf(cfg *config.Config) State {
	s := State{}
	whole := reflect.ValueOf(*cfg)
	for i := range whole.NumField() {
		if name := nameOf(whole.Type().Field(i)); name != "" && !slices.Contains(apart, name) {
			s.take(name, whole.Field(i))
		}
	}
	for name, dir := range map[string]string{"policies": cfg.Policies.Dir, "runbooks": cfg.Runbooks.Dir} {
		s.put(name+".content", digestOf(dir))
	}
	return s
}

// nameOf is the name of a field in salvor.yaml, empty where it has none.
func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return strings.TrimPrefix(name, "-")
}

// take adds a value and what is in it.
func (s State) take(path string, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	last := path[strings.LastIndexByte(path, '.')+1:]
	switch text, scalar := textOf(v); {
	case last == "token_file":
		s.put(strings.TrimSuffix(path, "_file"), tokenIn(v.String()))
	case strings.HasSuffix(last, "_file"): // another path is no change, what is in it is between it and whoever reads it
	case slices.Contains(secretive, last):
		s.put(path, digest(fmt.Sprint(v.Interface())))
	case scalar:
		s.put(path, text)
	default:
		s.open(path, v)
	}
}

// open adds what is in a struct, a map or a list. What has a name goes by it.
func (s State) open(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := nameOf(v.Type().Field(i)); name != "" && name != "name" { // the name is in the path
				s.take(path+"."+name, v.Field(i))
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			s.take(path+"."+fmt.Sprint(key.Interface()), v.MapIndex(key))
		}
	case reflect.Slice:
		for i := range v.Len() {
			name := strconv.Itoa(i + 1)
			if of := reflect.Indirect(v.Index(i)); of.Kind() == reflect.Struct && of.FieldByName("Name").IsValid() {
				name = cmp.Or(of.FieldByName("Name").String(), name)
			}
			s.take(path+"."+name, v.Index(i))
		}
	}
}

// textOf is a value as text, when it is one that holds no others but texts.
func textOf(v reflect.Value) (text string, scalar bool) {
	switch of := v.Interface().(type) {
	case time.Duration:
		return of.String(), true
	case encoding.TextMarshaler:
		text, err := of.MarshalText()
		return string(text), err == nil
	case []string:
		return strings.Join(of, ", "), true
	case bool:
		if !of {
			return "", true // as where it is left out
		}
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array, reflect.Interface:
		return "", false
	}
	return fmt.Sprint(v.Interface()), true
}

// longest bounds the text of a setting, in bytes.
const longest = 1 << 10

func (s State) put(path, text string) {
	if len(text) > longest {
		text = digest(text)
	}
	if text != "" {
		s[path] = text
	}
}

// digest tells whether a text has changed, and too little to find it by trying.
func digest(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("salvor chronicle\x00" + text))
	return "digest " + hex.EncodeToString(sum[:4])
}

func tokenIn(path string) string {
	if path == "" {
		return ""
	}
	token, err := config.Secret(path)
	if err != nil {
		return "unreadable"
	}
	return digest(token)
}

// digestOf is a digest of the files below a folder that are not hidden, "" where none is named.
func digestOf(dir string) string {
	if dir == "" {
		return ""
	}
	sum := sha256.New()
	files := os.DirFS(dir)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name != "." && strings.HasPrefix(entry.Name(), ".") {
			if err == nil && entry.IsDir() {
				err = fs.SkipDir
			}
			return err
		}
		if entry.IsDir() {
			return nil
		}
		text, err := fs.ReadFile(files, name)
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
		return err
	})
	if err != nil {
		return "unreadable"
	}
	return "digest " + hex.EncodeToString(sum.Sum(nil)[:8])
}
