package volume

import (
	"encoding/json"
	"fmt"
	"strings"
)

// command is what a person would type to create objects. What names and annotations hold is not the shell's to read.
func command(objects ...any) (string, error) {
	var parts []string
	for _, o := range objects {
		raw, err := json.Marshal(o)
		if err != nil {
			return "", fmt.Errorf("write out what is created: %w", err)
		}
		parts = append(parts, strings.ReplaceAll(string(raw), "'", `'\''`))
	}
	return "kubectl create -f - <<< '" + strings.Join(parts, "\n") + "'", nil
}
