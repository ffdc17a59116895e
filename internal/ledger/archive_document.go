package ledger

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/internal/incident"
)

// maxHistory bounds a history that is archived, as JSON, in bytes.
const maxHistory = 64 << 20

// errStays says that a history cannot be archived and stays where it is.
var errStays = errors.New("it stays in " + IncidentsStream)

// archiveRecord is the whole history of an incident that has ended, as it is stored.
type archiveRecord struct {
	signature
	Incident incident.ID `json:"incident"`
	Records  int         `json:"records"` // how many there are in History
	History  []byte      `json:"history"` // the archivedRecords as JSON, gzipped
}

// archivedRecord is one record as the stream of incidents had it.
type archivedRecord struct {
	Seq      uint64          `json:"seq"`
	StoredAt time.Time       `json:"stored_at"`
	Record   json.RawMessage `json:"record"`
	Mark     string          `json:"mark,omitempty"`
}

// archiveSubject is where the document of an incident lies, given the subject of its records.
func archiveSubject(subject string) string {
	return archivePrefix + strings.TrimPrefix(subject, incidentPrefix)
}

// archiveDocument renders a history. One that is too large is an errStays: it is never cut.
func (l *Ledger) archiveDocument(id incident.ID, history []stored) ([]byte, error) {
	packed, err := pack(history)
	if err != nil {
		return nil, fmt.Errorf("pack its history: %w", err)
	}
	doc, err := json.Marshal(archiveRecord{l.sign(), id, len(history), packed})
	if err != nil {
		return nil, fmt.Errorf("render its document: %w", err)
	}
	if len(doc) > maxDocument {
		return nil, fmt.Errorf("%w: its document would be %d bytes, at most %d are stored", errStays, len(doc), maxDocument)
	}
	return doc, nil
}

func pack(history []stored) ([]byte, error) {
	records := make([]archivedRecord, 0, len(history))
	for _, msg := range history {
		if !dense(msg.Data) {
			return nil, fmt.Errorf("%w: record %d is not as any salvor writes it, and would not keep its bytes", errStays, msg.Seq)
		}
		records = append(records, archivedRecord{msg.Seq, msg.At, msg.Data, msg.Mark})
	}
	var plain, packed bytes.Buffer
	text := json.NewEncoder(&plain)
	text.SetEscapeHTML(false) // records are kept as they are
	if err := text.Encode(records); err != nil {
		return nil, err
	}
	if plain.Len() > maxHistory {
		return nil, fmt.Errorf("%w: it is %d bytes, at most %d are archived", errStays, plain.Len(), maxHistory)
	}
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(plain.Bytes()); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// dense says that a text is JSON without a space between its parts: so it is packed, and the sum over it stays the same.
func dense(text []byte) bool {
	var out bytes.Buffer
	return json.Compact(&out, text) == nil && out.Len() == len(text)
}

// unpack gives the records of a document with the subject they had.
func unpack(doc archiveRecord, subject string) ([]stored, error) {
	zip, err := gzip.NewReader(bytes.NewReader(doc.History))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(zip, maxHistory+1))
	if err != nil {
		return nil, err
	}
	var records []archivedRecord
	if err := json.Unmarshal(plain, &records); err != nil {
		return nil, err
	}
	if len(records) == 0 || len(records) != doc.Records {
		return nil, fmt.Errorf("it has %d records, and says %d", len(records), doc.Records)
	}
	var history []stored
	for _, rec := range records {
		history = append(history, stored{subject, rec.Seq, rec.Record, rec.StoredAt, rec.Mark})
	}
	return history, nil
}

// archived reads the history of an incident from the archive, whose leader answers. It returns ErrNotFound when there is none.
func (l *Ledger) archived(ctx context.Context, id incident.ID) ([]stored, error) {
	ctx, cancel := context.WithTimeout(ctx, l.callWithin)
	defer cancel()
	stream, err := l.js.Stream(ctx, ArchiveStream)
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", ArchiveStream, unavailable(err))
	}
	msg, err := stream.GetLastMsgForSubject(ctx, archivePrefix+"*."+anyCluster(id))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("look into %s: %w", ArchiveStream, unavailable(err))
	}
	var doc archiveRecord
	if err := decode(&stored{Subject: msg.Subject, Seq: msg.Sequence, Data: msg.Data, At: msg.Time}, &doc); err != nil {
		return nil, err
	}
	history, err := unpack(doc, incidentPrefix+strings.TrimPrefix(msg.Subject, archivePrefix))
	if err != nil {
		return nil, fmt.Errorf("unpack %s at %d: %w", msg.Subject, msg.Sequence, err)
	}
	return history, nil
}
