package slackd

import (
	"cmp"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
)

// page shows all that everybody sees, much as Slack does, for people and screenshots.
func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out strings.Builder
	out.WriteString(pageHead)
	for _, channel := range s.Channels {
		fmt.Fprintf(&out, "<h1># %s</h1>", html.EscapeString(s.named(channel)))
		for _, m := range s.messages {
			if m.Channel != channel || m.User != "" || m.Thread != "" && !m.Loud {
				continue
			}
			s.show(&out, m, "message")
			for _, reply := range s.messages {
				if reply.Thread == m.TS && reply.Channel == channel && reply.User == "" {
					s.show(&out, reply, "reply")
				}
			}
		}
	}
	out.WriteString("</body></html>")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(out.String()))
}

func (s *Server) show(out *strings.Builder, m Message, class string) {
	fmt.Fprintf(out, `<article class="%s"><div class="avatar">S</div><div class="body"><p class="who"><b>Salvor</b> <span class="app">APP</span></p>`, class)
	for _, b := range m.Blocks {
		s.block(out, b)
	}
	if len(m.Blocks) == 0 {
		fmt.Fprintf(out, "<p>%s</p>", s.mrkdwn(m.Text))
	}
	out.WriteString("</div></article>")
}

func (s *Server) block(out *strings.Builder, b map[string]any) {
	switch b["type"] {
	case "header":
		fmt.Fprintf(out, "<h2>%s</h2>", s.object(b["text"]))
	case "section":
		fmt.Fprintf(out, "<p>%s</p>", s.object(b["text"]))
	case "rich_text":
		for _, section := range list(b["elements"]) {
			out.WriteString(`<p class="rich">`)
			for _, e := range list(section["elements"]) {
				out.WriteString(element(e))
			}
			out.WriteString("</p>")
		}
	case "actions":
		out.WriteString(`<div class="actions">`)
		for _, e := range list(b["elements"]) {
			style, _ := e["style"].(string)
			fmt.Fprintf(out, `<span class="button %s">%s</span>`, html.EscapeString(style), s.object(e["text"]))
		}
		out.WriteString("</div>")
	}
}

// named is the name of what has an id, or the id.
func (s *Server) named(id string) string { return cmp.Or(s.Names[id], id) }

func element(e map[string]any) string {
	text, _ := e["text"].(string)
	text = strings.ReplaceAll(html.EscapeString(strings.TrimSuffix(text, "\n")), "\n", "<br>")
	style, _ := e["style"].(map[string]any)
	switch {
	case style["bold"] == true:
		return "<b>" + text + "</b>"
	case style["code"] == true:
		return "<code>" + text + "</code>"
	}
	return text
}

// object sets a text object as Slack does: markup is read where it is said to be markup.
func (s *Server) object(v any) string {
	object, _ := v.(map[string]any)
	text, _ := object["text"].(string)
	if object["type"] == "mrkdwn" {
		return s.mrkdwn(text)
	}
	return html.EscapeString(text)
}

var (
	mention = regexp.MustCompile(`&lt;!subteam\^([A-Z0-9]+)&gt;`)
	token   = regexp.MustCompile(`&lt;!date\^[0-9]+\^[^|]*\|([^&]*)&gt;`)
	entity  = strings.NewReplacer("&amp;amp;", "&amp;", "&amp;lt;", "&lt;", "&amp;gt;", "&gt;")
)

func (s *Server) mrkdwn(text string) string {
	text = html.EscapeString(text)
	text = mention.ReplaceAllStringFunc(text, func(m string) string {
		id := mention.FindStringSubmatch(m)[1]
		return `<span class="mention">@` + html.EscapeString(s.named(id)) + `</span>`
	})
	text = token.ReplaceAllString(text, "$1")
	return entity.Replace(text)
}

const pageHead = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Stand-in of Slack</title><style>
body{margin:0;font:15px/1.46 Lato,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;color:#1d1c1d;background:#fff}
h1{font-size:18px;margin:0;padding:12px 20px;border-bottom:1px solid #ddd}
article{display:flex;gap:10px;padding:10px 20px;max-width:760px}
article.reply{margin-left:46px;border-left:3px solid #e8e8e8;padding:4px 14px}
article.reply .avatar{width:24px;height:24px;font-size:13px;line-height:24px}
.avatar{flex:none;width:36px;height:36px;border-radius:6px;background:#0b4f6c;color:#fff;font-weight:700;font-size:20px;line-height:36px;text-align:center}
.body{min-width:0;overflow-wrap:anywhere}
.who{margin:0 0 4px}.app{background:#eee;color:#616061;font-size:10px;border-radius:2px;padding:1px 3px}
h2{font-size:18px;line-height:1.3;margin:2px 0 6px}p{margin:0 0 6px}p.rich{margin:0 0 3px;white-space:normal}
code{background:#f6f6f6;border:1px solid #ddd;border-radius:3px;color:#c01343;font-size:12.5px;padding:1px 3px}
.mention{background:#fff3c4;color:#1264a3;border-radius:3px;padding:0 2px}
.actions{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}
.button{border:1px solid #bbb;border-radius:6px;padding:5px 12px;font-weight:700;font-size:14px;background:#fff}
.button.primary{background:#007a5a;border-color:#007a5a;color:#fff}.button.danger{color:#e01e5a;border-color:#e01e5a}
</style></head><body>`
