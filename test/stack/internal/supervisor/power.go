package supervisor

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"

	"github.com/salvor-io/salvor/test/stack/internal/control"
)

// powerSwitch is the HTTP server that switches nodes off and on, as a cloud or a management board would.
func powerSwitch(f *fleet, token string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /nodes/{name}", func(w http.ResponseWriter, r *http.Request) {
		switched(w, r, f, "")
	})
	mux.HandleFunc("POST /nodes/{name}/off", func(w http.ResponseWriter, r *http.Request) {
		switched(w, r, f, control.PowerOff)
	})
	mux.HandleFunc("POST /nodes/{name}/on", func(w http.ResponseWriter, r *http.Request) {
		switched(w, r, f, control.PowerOn)
	})
	return authorized(token, mux)
}

// switched answers one request: to is the power asked for, or empty when only the state is asked.
func switched(w http.ResponseWriter, r *http.Request, f *fleet, to string) {
	name := r.PathValue("name")
	behaviour, power, err := f.switchOf(name)
	switch {
	case err != nil || behaviour.Mode == control.SwitchAbsent:
		answerError(w, http.StatusNotFound, "no switch for node "+name)
		return
	case behaviour.Mode == control.SwitchHangs:
		<-r.Context().Done()
		return
	case to == "":
		answerPower(w, name, power)
		return
	case behaviour.Mode == control.SwitchRefuses:
		answerError(w, orDefault(behaviour.Code, http.StatusServiceUnavailable), behaviour.Reason)
		return
	case behaviour.Mode == control.SwitchLies:
		f.claim(name, to == control.PowerOff)
		answerPower(w, name, to)
		return
	}
	// What was begun is finished even when whoever asked does not wait for it.
	if err := f.turn(context.WithoutCancel(r.Context()), name, to); err != nil {
		answerError(w, http.StatusInternalServerError, err.Error())
		return
	}
	if behaviour.Mode == control.SwitchMute {
		<-r.Context().Done()
		return
	}
	answerPower(w, name, to)
}

func (f *fleet) turn(ctx context.Context, name, to string) error {
	if to == control.PowerOn {
		return f.healNode(name)
	}
	ctx, cancel := context.WithTimeout(ctx, killLimit)
	defer cancel()
	return f.powerOff(ctx, name)
}

// authorized lets requests pass that carry the bearer token.
func authorized(token string, next http.Handler) http.Handler {
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			answerError(w, http.StatusUnauthorized, "wrong or missing bearer token")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answerPower(w http.ResponseWriter, node, power string) {
	answer(w, http.StatusOK, map[string]string{"node": node, "power": power})
}

func answerError(w http.ResponseWriter, code int, reason string) {
	answer(w, code, map[string]string{"error": reason})
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // whoever asked may be gone
}

func orDefault(code, standard int) int {
	if code == 0 {
		return standard
	}
	return code
}
