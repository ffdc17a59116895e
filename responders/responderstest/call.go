package responderstest

import (
	"net/http"
	"strings"
)

// callOf reads a request to an API server as RBAC does.
func callOf(request *http.Request) Call {
	parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	var call Call
	if parts[0] == "apis" && len(parts) > 3 {
		call.Group = parts[1]
		parts = parts[1:]
	}
	parts = parts[min(2, len(parts)):] // past the root or group, and the version
	if len(parts) > 2 && parts[0] == "namespaces" {
		call.Namespace = parts[1]
		parts = parts[2:]
	}
	if len(parts) > 0 {
		call.Resource = parts[0]
	}
	if len(parts) > 1 {
		call.Name = parts[1]
	}
	if len(parts) > 2 {
		call.Resource += "/" + parts[2]
	}
	call.Verb = verbOf(request, call.Name != "")
	return call
}

func verbOf(request *http.Request, named bool) string {
	switch request.Method {
	case http.MethodGet:
		if request.URL.Query().Get("watch") != "" {
			return "watch"
		}
		if named {
			return "get"
		}
		return "list"
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodDelete:
		if named {
			return "delete"
		}
		return "deletecollection"
	}
	return strings.ToLower(request.Method)
}
