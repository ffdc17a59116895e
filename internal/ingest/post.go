package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/salvor-io/salvor/events/alertmanager"
	"github.com/salvor-io/salvor/events/cloudevents"
)

// serve answers one endpoint's posts.
func (in *Intake) serve(ep endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		tally, refused := in.take(w, r, ep)
		post := Post{Endpoint: ep.name, Status: http.StatusOK, Tally: tally}
		var err error
		if refused != nil {
			post.Status = refused.status
			in.opts.Logger.Warn("post refused", "endpoint", ep.name, "status", refused.status, "why", refused.Why,
				"remote", r.RemoteAddr)
			err = refused.write(w)
		} else {
			err = writeJSON(w, http.StatusOK, tally)
		}
		if err != nil {
			in.opts.Logger.Debug("answer lost", "endpoint", ep.name, "error", err)
		}
		post.Took = time.Since(began)
		if in.opts.Meter != nil {
			in.opts.Meter.Posted(post)
		}
	})
}

// take does everything with a post but answer it. Who the sender is comes before all that costs memory or a slot.
func (in *Intake) take(w http.ResponseWriter, r *http.Request, ep endpoint) (tally Tally, refused *refusal) {
	if err := limitReading(w, in.opts.ReadWithin); err != nil {
		return Tally{}, doubt(err)
	}
	cred, refused := in.admit(r, ep)
	if refused != nil {
		return Tally{}, refused
	}
	slot, free := in.slot()
	if !free {
		return Tally{}, doubt(fmt.Errorf("%d posts are being recorded already", in.opts.MaxInFlight))
	}
	defer slot.leave()
	defer func() {
		if cause := recover(); cause != nil {
			tally, refused = Tally{}, in.panicked(cause)
		}
	}()
	got, refused := in.decode(w, r, ep, cred)
	if refused != nil {
		return Tally{}, refused
	}
	in.say(ep, cred, got.remarks)
	return in.record(r.Context(), slot, "intake."+ep.name+"."+cred.Name, got)
}

// admit checks all that can be known before the body is read.
func (in *Intake) admit(r *http.Request, ep endpoint) (Credential, *refusal) {
	if r.Method != http.MethodPost {
		return Credential{}, refuse(http.StatusMethodNotAllowed, "take the request",
			fmt.Errorf("method is %.20q", r.Method), "use POST")
	}
	cred, err := in.keys.identify(r)
	if err != nil {
		return Credential{}, refuse(http.StatusUnauthorized, "identify the sender", err,
			"send 'Authorization: Bearer' with the token, or the client certificate, of a credential in salvor.yaml")
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return Credential{}, refuse(http.StatusUnsupportedMediaType, "read the post",
			fmt.Errorf("content encoding is %.40q", encoding), "send the body as it is, not compressed")
	}
	if err := ep.media(r.Header); err != nil {
		return Credential{}, refuse(http.StatusUnsupportedMediaType, "read the post", err, ep.want)
	}
	if r.ContentLength > in.opts.MaxBody {
		return Credential{}, in.tooLarge()
	}
	return cred, nil
}

func (in *Intake) tooLarge() *refusal {
	return refuse(http.StatusRequestEntityTooLarge, "read the post",
		fmt.Errorf("body is longer than %d bytes", in.opts.MaxBody), "send fewer items in a post")
}

// decode reads the body and what it holds.
func (in *Intake) decode(w http.ResponseWriter, r *http.Request, ep endpoint, cred Credential) (harvest, *refusal) {
	body, refused := in.read(w, r)
	if refused != nil {
		return harvest{}, refused
	}
	got, err := ep.decode(parcel{from: cred, header: r.Header, url: r.URL, path: r.PathValue, body: body, at: time.Now()})
	if err == nil {
		err = got.forbidden()
	}
	switch {
	case err == nil:
		return got, nil
	case isForbidden(err):
		return harvest{}, refuse(http.StatusForbidden, "take the post", err, "name a cluster and a type that the credential "+
			"is bound to in salvor.yaml, or widen the credential there")
	case errors.Is(err, alertmanager.ErrTooMany), errors.Is(err, cloudevents.ErrTooMany):
		return harvest{}, refuse(http.StatusRequestEntityTooLarge, "read the post", err, "send fewer items in a post")
	case errors.Is(err, cloudevents.ErrMedia):
		return harvest{}, refuse(http.StatusUnsupportedMediaType, "read the post", err, ep.want)
	}
	return harvest{}, refuse(http.StatusBadRequest, "decode the post", err, ep.want)
}

// say logs what was odd in a post that is taken, in one line: a post may be odd all over.
func (in *Intake) say(ep endpoint, cred Credential, remarks []error) {
	if len(remarks) > 0 {
		in.opts.Logger.Warn("post taken, though it is odd", "endpoint", ep.name, "credential", cred.Name, "remarks", len(remarks),
			"first", shorten(remarks[0].Error()))
	}
}

// limitReading gives the client until then to send its post. A writer that knows no deadlines, as in tests, has no slow
// client behind it.
func limitReading(w http.ResponseWriter, within time.Duration) error {
	err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(within))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("set read deadline: %w", err)
	}
	return nil
}

// read takes in the whole body. One that did not arrive in whole may have been cut on its way, hence the sender is asked
// to repeat it.
func (in *Intake) read(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, in.opts.MaxBody))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, in.tooLarge()
	case err != nil:
		return nil, doubt(fmt.Errorf("read body: %w", err))
	}
	return body.Bytes(), nil
}

func (in *Intake) panicked(cause any) *refusal {
	in.opts.Logger.Error("intake panicked", "cause", cause, slog.String("stack", string(debug.Stack())))
	return doubt(errors.New("salvor met an unexpected state, its log has the details"))
}
