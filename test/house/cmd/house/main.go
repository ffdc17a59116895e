// The command house serves a console with incidents that are made up, for a browser to be tried on. It prints one line of JSON that says where
// it is and as whom a browser can come, and then does what each line of its input says: "vote", "change", "begin", "step", "fail", "list". It
// answers each with "done", and ends with its input.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/house"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// stage is what can happen in the house.
type stage struct {
	*house.House
	plan        *responders.Plan
	zone        incident.ID // of which people are asked
	risky       incident.ID // where the name of the cluster is typed
	running     incident.ID
	next, nodes int // the next step; nodes that were lost
}

func serve() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h, err := house.New(house.Options{Address: "http://" + l.Addr().String(), Clock: time.Now, Passwords: house.Nobody{}})
	if err != nil {
		return err
	}
	s := &stage{House: h, plan: house.Evacuation(policies.Disruptive)}
	if err := s.open(); err != nil {
		return err
	}
	said, err := s.greeting(l.Addr().String())
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }() // it ends with the process
	fmt.Println(said)
	return s.play()
}

// open makes what there is at first.
func (s *stage) open() (err error) {
	if s.zone, err = s.Open(house.Zone()); err != nil {
		return err
	}
	if err = s.Ask(s.zone, s.plan, 2, 600); err != nil {
		return err
	}
	us := house.Zone()
	us.Cluster, us.Anchor.Name = "prod-us", "us-east-1a"
	if s.risky, err = s.Open(us); err != nil {
		return err
	}
	if err = s.Ask(s.risky, house.Evacuation(policies.Irreversible), 1, 900); err != nil {
		return err
	}
	s.running, err = s.Open(house.Node("worker-7"))
	if err == nil {
		_, err = s.Open(house.Node("worker-12"))
	}
	return err
}

// greeting says where the house is, and what a browser sends as whom.
func (s *stage) greeting(address string) (string, error) {
	out := map[string]string{"address": "http://" + address, "zone": string(s.zone), "risky": string(s.risky), "running": string(s.running)}
	for _, name := range []string{"ada", "vera"} {
		c, err := s.Cookie(name)
		if err != nil {
			return "", err
		}
		out["cookie"], out[name] = c.Name, c.Value
	}
	link, err := s.Sessions.Link(people.Person{Name: "ada", Role: people.Operator, Groups: []string{"sre-oncall"}})
	out["link"] = link
	text, _ := json.Marshal(out)
	return string(text), err
}

// play does what the input says.
func (s *stage) play() error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if err := s.do(in.Text()); err != nil {
			return fmt.Errorf("%s: %w", in.Text(), err)
		}
		fmt.Println("done")
	}
	return in.Err()
}

func (s *stage) do(what string) error {
	switch what {
	case "vote": // somebody else approves
		return s.Add(s.zone, incident.Record{Kind: incident.Voted, Text: "olga approved plan " + s.plan.ShortDigest(),
			Ballot: &incident.Ballot{Person: "olga", Groups: []string{"payments-owners"}, Via: people.ViaSlack, Says: incident.Approve, Plan: s.plan.Digest}})
	case "change": // the plan gets worse
		return s.Ask(s.zone, house.Evacuation(policies.Destructive), 2, 600, "step replace is destructive now, and was disruptive", "loses writes of 2 volumes since 03:10, and lost nothing before")
	case "begin":
		return s.Begin(s.running, s.plan)
	case "step":
		s.next++
		if s.next > 1 {
			if err := s.Do(s.running, incident.Done, s.plan, s.next-2); err != nil {
				return err
			}
		}
		return s.Do(s.running, incident.Intent, s.plan, s.next-1)
	case "fail":
		return s.Do(s.running, incident.Failed, s.plan, s.next-1, "worker-7 is not known to be off")
	case "list": // many ask
		for range 60 {
			s.nodes++
			node := fmt.Sprintf("worker-%d", 100+s.nodes)
			id, err := s.Open(house.Node(node))
			if err == nil {
				err = s.Ask(id, house.Recovery(node), 1, float64(1800+s.nodes))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return errors.New("nobody knows how to do that")
}
