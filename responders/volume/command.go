package volume

import (
	"encoding/json"
	"fmt"
	"slices"
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

// script is what a person would type to restore claims, in its parts: nothing is stopped before all is prepared, and nothing started before all is replaced.
type script struct{ prepare, stop, replace, start []string }

// commands is what a person would type, step by step.
func commands(all ...restoring) (string, error) {
	var s script
	for _, facts := range all {
		final, err := command(facts.Final.Claim)
		if facts.Beside == nil {
			final, err = command(facts.Final.fromSnapshot())
		} else if err == nil {
			err = s.replaces(facts)
		}
		if err != nil {
			return "", err
		}
		s.replace = append(s.replace, final)
	}
	return strings.Join(slices.Concat(s.prepare, s.stop, s.replace, s.start), "\n"), nil
}

func (s *script) replaces(facts restoring) error {
	first, err := command(facts.Beside.fromSnapshot())
	if err != nil {
		return err
	}
	retain := ` -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'`
	in := "kubectl -n " + facts.Namespace
	s.prepare = append(s.prepare, first, in+" wait --for=jsonpath={.status.phase}=Bound pvc/"+facts.Beside.Claim.Name)
	if facts.Compare != nil {
		job, err := command(facts.Compare.Job)
		if err != nil {
			return err
		}
		s.prepare = append(s.prepare, job, in+" wait --for=condition=Complete --timeout=1h job/"+facts.Compare.Job.Name, in+" delete job "+facts.Compare.Job.Name)
	}
	s.prepare = append(s.prepare, "PV=$("+in+" get pvc "+facts.Beside.Claim.Name+" -o jsonpath={.spec.volumeName})", "kubectl patch pv $PV"+retain, in+" delete pvc "+facts.Beside.Claim.Name,
		fmt.Sprintf(`kubectl patch pv $PV -p '{"spec":{"claimRef":{"namespace":"%s","name":"%s","uid":null,"resourceVersion":null}}}'`, facts.Namespace, facts.Claim))
	if facts.Old.Name != "" {
		s.prepare = append(s.prepare, "kubectl patch pv "+facts.Old.Name+retain)
	}
	for _, of := range facts.Owners {
		scale := fmt.Sprintf("%s scale %s/%s --replicas=", in, strings.ToLower(of.Target.Kind), of.Target.Name)
		if stop := scale + "0"; !slices.Contains(s.stop, stop) {
			s.stop, s.start = append(s.stop, stop), append(s.start, scale+fmt.Sprint(of.Replicas))
		}
	}
	s.replace = append(s.replace, in+" delete pvc "+facts.Claim)
	return nil
}
