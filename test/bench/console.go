package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	pages "github.com/salvor-io/salvor/test/house"
)

const (
	consolePending = 1000
	consoleRounds  = 200
)

// measureConsole asks for the list of incidents while many people are asked, page by page.
func measureConsole(_ context.Context, _ *bench) ([]row, error) {
	h, err := pages.New(pages.Options{Address: "http://salvor", Clock: time.Now, Passwords: pages.Nobody{}})
	if err != nil {
		return nil, err
	}
	for n := range consolePending {
		node := fmt.Sprintf("worker-%d", n)
		id, err := h.Open(pages.Node(node))
		if err == nil {
			err = h.Ask(id, pages.Recovery(node), 1, float64(600+n))
		}
		if err != nil {
			return nil, err
		}
	}
	cookie, err := h.Cookie("ada")
	if err != nil {
		return nil, err
	}
	console := h.Handler()
	var took []float64
	for n := range consoleRounds {
		r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/?page=%d", n%20+1), nil)
		r.AddCookie(cookie)
		w, began := httptest.NewRecorder(), time.Now()
		console.ServeHTTP(w, r)
		took = append(took, inMillis(time.Since(began)))
		if text := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(text, "1000 incidents ask") || strings.Count(text, `class="asking"`) != 50 {
			return nil, fmt.Errorf("the list is %d with %d rows: %.200s", w.Code, strings.Count(text, `class="asking"`), text)
		}
	}
	return []row{newRow("console_list_ms", "ms", atMost(100), spread(took, 0.99), fmt.Sprintf("p99 of the list of %d incidents about each of which people are asked, a page of it by urgency as somebody who may decide sees it; "+
		"from the request to the last byte, in process; p50 %.1f ms; no peer", consolePending, median(took)))}, nil
}
