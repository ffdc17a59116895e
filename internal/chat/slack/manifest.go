package slack

import "strings"

// Manifest is the manifest of a Slack app for Salvor, YAML, to be pasted into "From a manifest" of api.slack.com/apps. Without an address presses
// come over a socket; with one they are posted below it. It asks for no more than is used: to post, and to find its own messages again.
func Manifest(externalURL string) string {
	interactivity := "    is_enabled: true\n"
	if externalURL != "" {
		interactivity += "    request_url: " + strings.TrimSuffix(externalURL, "/") + Path + "\n"
	}
	socket := "true"
	if externalURL != "" {
		socket = "false"
	}
	return `display_information:
  name: Salvor
  description: Asks people about recoveries, and shows how they go
  background_color: "#0b4f6c"
features:
  bot_user:
    display_name: Salvor
    always_online: true
oauth_config:
  scopes:
    bot:
      - chat:write        # post messages, edit them, answer people privately
      - channels:read     # see whether a channel can be reached
      - groups:read
      - channels:history  # find its own message again after a replica died
      - groups:history
settings:
  interactivity:
` + interactivity + `  org_deploy_enabled: false
  socket_mode_enabled: ` + socket + `
  token_rotation_enabled: false
`
}
