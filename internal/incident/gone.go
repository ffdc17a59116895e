package incident

import "github.com/salvor-io/salvor/classifiers"

// over says what has come about where a fault that was recovered from is not seen any more, as far as the end of such a fault tells: what is
// deleted by people for good is not seen broken, either.
func over(f classifiers.Fault) string {
	anchor := f.Anchor.String()
	switch f.Kind {
	case classifiers.KindNode:
		return anchor + " is back, or its object is gone"
	case classifiers.KindZone:
		return anchor + " is back, or its nodes are gone"
	case classifiers.KindRegion:
		return anchor + " is back"
	case classifiers.KindData:
		return overData(f.Cause, anchor)
	case classifiers.KindConfig:
		return anchor + " works again, or is gone"
	}
	return "nothing of " + anchor + " looks like an attack any more"
}

// overData tells data that were lost from what keeps them: a namespace and the claims in it come back, a schedule works again.
func overData(cause classifiers.Cause, anchor string) string {
	switch cause {
	case classifiers.CauseNamespacesDeleted, classifiers.CauseClaimsDeleted, classifiers.CauseObjectsDeleted:
		return "what was deleted of " + anchor + " is there again, or missed no more"
	case classifiers.CauseDeclared:
		return "what was declared of " + anchor + " holds no more"
	case classifiers.CauseProtectionMissing:
		return "what was promised to " + anchor + " can be kept again, or is promised no more"
	}
	return anchor + " is well again, or gone"
}
