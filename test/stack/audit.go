package stack

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// AuditEvent is one write the API server was asked for. Reads are not recorded.
type AuditEvent struct {
	ID          string
	User        string
	UserAgent   string
	Verb        string
	APIGroup    string
	Resource    string
	Subresource string
	Namespace   string
	Name        string
	// URI is the path and the query, from which a dry run can be told.
	URI string
	// Stage is ResponseComplete for a request that was answered, and Panic for one that was not.
	Stage string
	// Code is the HTTP status the request was answered with.
	Code int
	// Time is when the request came in.
	Time time.Time
	// RequestObject is the body of the request as JSON: an object, a patch, or delete options. It may be empty.
	RequestObject json.RawMessage
}

// auditLine is an audit event as the API server writes it.
type auditLine struct {
	AuditID    string
	Stage      string
	RequestURI string
	Verb       string
	UserAgent  string
	User       struct{ Username string }
	ObjectRef  struct {
		APIGroup, Resource, Subresource, Namespace, Name string
	}
	ResponseStatus           struct{ Code int }
	RequestObject            json.RawMessage
	RequestReceivedTimestamp time.Time
}

// AuditLog returns all writes since the stack was started, in the order in which they were finished. A write is in it
// before whoever asked for it has the answer.
func (s *Stack) AuditLog() ([]AuditEvent, error) {
	file, err := os.Open(filepath.Join(s.state.Dir, "audit.log"))
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	defer file.Close()
	return readAudit(file)
}

// readAudit reads whole lines; what follows the last line break is still being written.
func readAudit(r io.Reader) ([]AuditEvent, error) {
	lines := bufio.NewReader(r)
	var events []AuditEvent
	for {
		data, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		var line auditLine
		if err := json.Unmarshal(data, &line); err != nil {
			return nil, fmt.Errorf("decode audit event %d: %w", len(events)+1, err)
		}
		events = append(events, line.event())
	}
}

func (l auditLine) event() AuditEvent {
	return AuditEvent{
		ID: l.AuditID, User: l.User.Username, UserAgent: l.UserAgent, Verb: l.Verb,
		APIGroup: l.ObjectRef.APIGroup, Resource: l.ObjectRef.Resource, Subresource: l.ObjectRef.Subresource,
		Namespace: l.ObjectRef.Namespace, Name: l.ObjectRef.Name, URI: l.RequestURI,
		Stage: l.Stage, Code: l.ResponseStatus.Code, Time: l.RequestReceivedTimestamp, RequestObject: l.RequestObject,
	}
}
