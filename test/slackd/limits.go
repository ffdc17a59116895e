package slackd

import (
	"fmt"
	"unicode/utf8"
)

// wrongBlocks says what of some blocks Slack refuses.
func wrongBlocks(blocks []map[string]any) (wrong []string) {
	if len(blocks) > 50 {
		wrong = append(wrong, "no more than 50 items allowed [json-pointer:/blocks]")
	}
	ids := map[string]bool{}
	for i, b := range blocks {
		at := fmt.Sprintf("/blocks/%d", i)
		if id, _ := b["block_id"].(string); id != "" && ids[id] {
			wrong = append(wrong, "duplicate block_id [json-pointer:"+at+"]")
		} else {
			ids[id] = true
		}
		wrong = append(wrong, wrongBlock(at, b)...)
	}
	return wrong
}

func wrongBlock(at string, b map[string]any) []string {
	switch b["type"] {
	case "header":
		return wrongText(at+"/text", b["text"], "plain_text", 150)
	case "section":
		if b["text"] == nil && b["fields"] == nil {
			return []string{"missing required field: text [json-pointer:" + at + "]"}
		}
		return wrongText(at+"/text", b["text"], "", 3000)
	case "context":
		return tooMany(at, b["elements"], 1, 10)
	case "rich_text":
		if n := length(b); n > 12000 {
			return []string{fmt.Sprintf("rich text of %d characters [json-pointer:%s]", n, at)}
		}
		return tooMany(at, b["elements"], 1, 100)
	case "actions":
		wrong := tooMany(at, b["elements"], 1, 25)
		for i, e := range list(b["elements"]) {
			wrong = append(wrong, wrongButton(fmt.Sprintf("%s/elements/%d", at, i), e)...)
		}
		return wrong
	case "input":
		return wrongText(at+"/label", b["label"], "plain_text", 2000)
	case "divider":
		return nil
	}
	return []string{fmt.Sprintf("unsupported type: %v [json-pointer:%s]", b["type"], at)}
}

func wrongButton(at string, b map[string]any) []string {
	wrong := wrongText(at+"/text", b["text"], "plain_text", 75)
	for key, most := range map[string]int{"action_id": 255, "value": 2000, "url": 3000} {
		if text, _ := b[key].(string); utf8.RuneCountInString(text) > most {
			wrong = append(wrong, fmt.Sprintf("must be less than %d characters [json-pointer:%s/%s]", most, at, key))
		}
	}
	if confirm, ok := b["confirm"].(map[string]any); ok {
		wrong = append(wrong, wrongText(at+"/confirm/title", confirm["title"], "plain_text", 100)...)
		wrong = append(wrong, wrongText(at+"/confirm/text", confirm["text"], "", 300)...)
		wrong = append(wrong, wrongText(at+"/confirm/confirm", confirm["confirm"], "plain_text", 30)...)
		wrong = append(wrong, wrongText(at+"/confirm/deny", confirm["deny"], "plain_text", 30)...)
	}
	return wrong
}

func wrongView(v map[string]any) []string {
	wrong := wrongText("/view/title", v["title"], "plain_text", 24)
	wrong = append(wrong, wrongText("/view/submit", v["submit"], "plain_text", 24)...)
	if meta, _ := v["private_metadata"].(string); len(meta) > 3000 {
		wrong = append(wrong, "private_metadata is too long")
	}
	return append(wrong, wrongBlocks(list(v["blocks"]))...)
}

func wrongText(at string, v any, kind string, most int) []string {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	text, _ := object["text"].(string)
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return []string{"must be more than 0 characters [json-pointer:" + at + "]"}
	case n > most:
		return []string{fmt.Sprintf("must be less than %d characters [json-pointer:%s]", most+1, at)}
	case kind != "" && object["type"] != kind:
		return []string{"must be " + kind + " [json-pointer:" + at + "]"}
	}
	return nil
}

func tooMany(at string, v any, least, most int) []string {
	if n := len(list(v)); n < least || n > most {
		return []string{fmt.Sprintf("%d items, want %d to %d [json-pointer:%s/elements]", n, least, most, at)}
	}
	return nil
}

func list(v any) []map[string]any {
	items, _ := v.([]any)
	var out []map[string]any
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// length counts the characters of all texts in a block.
func length(v any) (n int) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if text, ok := value.(string); ok && key == "text" {
				n += utf8.RuneCountInString(text)
			} else {
				n += length(value)
			}
		}
	case []any:
		for _, item := range v {
			n += length(item)
		}
	}
	return n
}
