package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"
)

//go:embed assets/*
var assetFiles embed.FS

// assets are the files that pages load, by the names that they are served by.
type assets struct {
	served map[string][]byte // "console.1a2b3c4d5e6f.css"
	names  map[string]string // by "console.css"
}

// allAssets names each file by what is in it: another content is another name, so a browser may keep it for ever.
var allAssets = sync.OnceValue(func() assets {
	all := assets{map[string][]byte{}, map[string]string{}}
	files, _ := assetFiles.ReadDir("assets") // what is embedded can be read
	for _, file := range files {
		text, _ := assetFiles.ReadFile("assets/" + file.Name())
		sum := sha256.Sum256(text)
		base, ending, _ := strings.Cut(file.Name(), ".")
		name := base + "." + hex.EncodeToString(sum[:6]) + "." + ending
		all.served[name], all.names[file.Name()] = text, "/assets/"+name
	}
	return all
})

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	text, found := allAssets().served[name]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}
