package cloudevents

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// Mode is the way in which a request carries events.
type Mode int

// The content modes of the HTTP binding.
const (
	Binary     Mode = iota + 1 // attributes in headers, data in the body
	Structured                 // one event as JSON
	Batched                    // a JSON array of events
)

// ModeOf reads the content mode from a request's headers. Its error wraps [ErrMedia] when the content type is at fault.
func ModeOf(header http.Header) (Mode, error) {
	media, err := mediaType(header.Get("Content-Type"))
	switch {
	case err != nil:
		return 0, err
	case media == "application/cloudevents+json":
		return Structured, nil
	case media == "application/cloudevents-batch+json":
		return Batched, nil
	case strings.HasPrefix(media, "application/cloudevents"):
		return 0, fmt.Errorf("%w: %.80q, only the JSON formats are read", ErrMedia, media)
	case media != "" && !isJSON(media):
		return 0, fmt.Errorf("%w: %.80q, only JSON is kept", ErrMedia, media)
	case header.Get("Ce-Specversion") == "":
		return 0, errNoEvent
	}
	return Binary, nil
}

func mediaType(contentType string) (string, error) {
	if contentType == "" {
		return "", nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", fmt.Errorf("%w: %.80q", ErrMedia, contentType)
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return "", fmt.Errorf("%w: charset is %.40q, want utf-8", ErrMedia, charset)
	}
	return media, nil
}

func isJSON(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}
