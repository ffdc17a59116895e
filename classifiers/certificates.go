package classifiers

import (
	"fmt"
	"time"

	"github.com/salvor-io/salvor/events"
)

const anchorCertificate = "certificate"

// certificates finds those that expire soon: of what probes reach, and of what alerts speak.
func (c Config) certificates(v *View, cluster *Cluster) []Finding {
	var out []Finding
	soonest := v.soonest(cluster)
	for _, target := range sortedKeys(soonest) {
		p := soonest[target]
		if left := p.Expires.Sub(v.Now); left <= c.Expires {
			f := c.certificate(cluster, Anchor{Kind: anchorCertificate, Name: target}, fmt.Sprintf("the certificate of %s of %s %s", target, cluster.Name, expiring(left)))
			f.Since, f.Evidence = later(p.Expires.Add(-c.Expires), p.ShownAt), []string{p.Evidence}
			f.Signals = []Signal{{Name: "probe", Source: SourceSalvor, Asked: true, Agrees: true, Detail: "it shows one that ends " + p.Expires.UTC().Format(time.RFC3339)}}
			out = append(out, f)
		}
	}
	for _, g := range grouped(cluster.alertsOn(KindConfig, nil, events.TopicCertificate), certificateOf) {
		f := c.certificate(cluster, g.anchor, g.sentence())
		f.says(g.alerts)
		out = append(out, f)
	}
	return out
}

// certificateOf is the certificate that an alert names, or what it says of a job or an instance, of which there may be several.
func certificateOf(a AlertView) Anchor {
	if name := firstOf(a.Labels, "name", "secret"); name != "" {
		return Anchor{Kind: anchorCertificate, Name: called(a.Labels.Of("namespace"), name)}
	}
	if of := firstOf(a.Labels, "job", "instance"); of != "" {
		return Anchor{Kind: anchorCertificate, Name: called("", a.Name+" "+called(a.Labels.Of("namespace"), of))}
	}
	return Anchor{Kind: anchorCertificate, Name: called("", a.Name)}
}

// soonest are the probes that were heard lately whose certificate expires first, by target.
func (v *View) soonest(c *Cluster) map[string]ProbeView {
	if len(c.Probes) == 0 {
		return nil
	}
	out := map[string]ProbeView{}
	for _, key := range sortedKeys(c.Probes) {
		p := c.Probes[key]
		known, ok := out[p.Target]
		if v.hears(p) && !p.Expires.IsZero() && (!ok || p.Expires.Before(known.Expires)) {
			out[p.Target] = p
		}
	}
	return out
}

// hears says that a prober was heard lately.
func (v *View) hears(p ProbeView) bool { return v.Now.Sub(p.At) <= blindAfter }

// shows says that somebody sees now which certificate a target has, or that it needs none.
func (v *View) shows(c *Cluster, target string) bool {
	for _, p := range c.Probes {
		if p.Target == target && v.hears(p) && (p.Up || !p.Expires.IsZero()) {
			return true
		}
	}
	return false
}

func (c Config) certificate(cluster *Cluster, anchor Anchor, sentence string) Finding {
	return Finding{Window: c.Window, Fault: Fault{Kind: KindConfig, Cause: CauseCertificateExpires, Cluster: cluster.Name, Anchor: anchor, Sentence: sentence}}
}

// expiring says of a certificate how near its end is, and what then.
func expiring(left time.Duration) string {
	if left <= 0 {
		return "has expired; nobody reaches it any more"
	}
	return "expires in " + days(left) + "; then nobody reaches it any more"
}

// days is how long something lasts, in the unit that suits it.
func days(left time.Duration) string {
	switch {
	case left < 2*time.Hour:
		return numbered(int(left.Round(time.Minute).Minutes()), "minutes")
	case left < 48*time.Hour:
		return fmt.Sprintf("%.0f hours", left.Hours())
	}
	return fmt.Sprintf("%.0f days", left.Hours()/24)
}
