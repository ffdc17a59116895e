package incident

import (
	"testing"

	"github.com/salvor-io/salvor/classifiers"
)

// TestHowAFaultEnds says of each kind of fault what has come about: an object that is back is not all that a fault of data can be about.
func TestHowAFaultEnds(t *testing.T) {
	at := func(kind, name string) classifiers.Anchor { return classifiers.Anchor{Kind: kind, Name: name} }
	for want, f := range map[string]classifiers.Fault{
		"node/a-1 is back, or its object is gone":                                         {Kind: classifiers.KindNode, Anchor: at("node", "a-1")},
		"zone/a is back, or its nodes are gone":                                           {Kind: classifiers.KindZone, Anchor: at("zone", "a")},
		"region/eu is back":                                                               {Kind: classifiers.KindRegion, Anchor: at("region", "eu")},
		"what was deleted of cluster/prod is there again, or missed no more":              {Kind: classifiers.KindData, Cause: classifiers.CauseNamespacesDeleted, Anchor: at("cluster", "prod")},
		"what was deleted of namespace/shop is there again, or missed no more":            {Kind: classifiers.KindData, Cause: classifiers.CauseClaimsDeleted, Anchor: at("namespace", "shop")},
		"what was deleted of namespace/pay is there again, or missed no more":             {Kind: classifiers.KindData, Cause: classifiers.CauseObjectsDeleted, Anchor: at("namespace", "pay")},
		"what was declared of namespace/shop holds no more":                               {Kind: classifiers.KindData, Cause: classifiers.CauseDeclared, Anchor: at("namespace", "shop")},
		"what was promised to application/shop can be kept again, or is promised no more": {Kind: classifiers.KindData, Cause: classifiers.CauseProtectionMissing, Anchor: at("application", "shop")},
		"schedule/velero/nightly is well again, or gone":                                  {Kind: classifiers.KindData, Cause: classifiers.CauseBackupFailed, Anchor: at("schedule", "velero/nightly")},
		"deployment/shop/web works again, or is gone":                                     {Kind: classifiers.KindConfig, Anchor: at("deployment", "shop/web")},
		"nothing of pod/shop/web-1 looks like an attack any more":                         {Kind: classifiers.KindSecurity, Anchor: at("pod", "shop/web-1")},
	} {
		inc := Incident{State: Recovered, Fault: f}
		if got := inc.Upcoming(Sight{Now: t0}, Terms{}); got.Do != Append || got.Record.Kind != Cleared || got.Record.Text != want {
			t.Errorf("move %+v, want %q", got, want)
		}
	}
}
