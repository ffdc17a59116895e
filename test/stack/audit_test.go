package stack

import (
	"strings"
	"testing"
	"time"
)

// auditText is a patch, and the beginning of a line that is still being written.
const auditText = `{"auditID":"1","stage":"ResponseComplete","requestURI":"/api/v1/nodes/worker-1?dryRun=All","verb":"patch",` +
	`"user":{"username":"salvor-act"},"userAgent":"salvor","objectRef":{"resource":"nodes","name":"worker-1","subresource":"status"},` +
	`"responseStatus":{"code":200},"requestObject":{"spec":{"unschedulable":true}},` +
	`"requestReceivedTimestamp":"2026-01-02T03:04:05.000006Z"}` + "\n" + `{"auditID":"2","sta`

func TestAuditLogIsReadUpToTheLastWholeLine(t *testing.T) {
	events, err := readAudit(strings.NewReader(auditText))
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	e := events[0]
	if e.User != "salvor-act" || e.Verb != "patch" || e.Resource != "nodes" || e.Name != "worker-1" ||
		e.Subresource != "status" || e.Code != 200 || !strings.Contains(e.URI, "dryRun") ||
		string(e.RequestObject) != `{"spec":{"unschedulable":true}}` {
		t.Errorf("event = %+v", e)
	}
	if want := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC); !e.Time.Equal(want) {
		t.Errorf("time = %v, want %v", e.Time, want)
	}
	if _, err := readAudit(strings.NewReader("nonsense\n")); err == nil {
		t.Error("nonsense is read")
	}
}

func TestNodesAreDealtOutInBlocks(t *testing.T) {
	var zones []string
	for _, n := range Nodes(6) {
		zones = append(zones, n.Name+strings.TrimPrefix(n.Zone, "eu-west-1"))
	}
	if got := strings.Join(zones, " "); got != "worker-1a worker-2a worker-3b worker-4b worker-5c worker-6c" {
		t.Error(got)
	}
}
