package velero

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/salvor-io/salvor/responders"
)

// templateParams are the arguments that say what a backup takes, of velero.backup and velero.schedule alike.
func templateParams() []responders.Param {
	return []responders.Param{
		{Name: "namespaces", Type: responders.ParamNames, About: "namespaces to back up; all if not given"},
		{Name: "excludeNamespaces", Type: responders.ParamNames, About: "namespaces to leave out"},
		{Name: "resources", Type: responders.ParamNames, About: "kinds to back up, as deployments.apps; all if not given"},
		{Name: "excludeResources", Type: responders.ParamNames, About: "kinds to leave out"},
		{Name: "selector", Type: responders.ParamString, About: "label selector of what is backed up"},
		{Name: "clusterResources", Type: responders.ParamBool, About: "with or without what has no namespace; if not given, what is needed"},
		{Name: "ttl", Type: responders.ParamDuration, About: "for how long it is kept; as Velero does by default if not given"},
		{Name: "location", Type: responders.ParamString, About: "storage location; the default one if not given"},
		{Name: "snapshotLocations", Type: responders.ParamNames, About: "locations of volume snapshots that are not by CSI"},
		{Name: "volumes", Type: responders.ParamBool, About: "with or without snapshots of volumes"},
		{Name: "moveData", Type: responders.ParamBool, About: "move the contents of snapshots to the storage location"},
		{Name: "files", Type: responders.ParamBool, About: "copy the files of all volumes of pods to the storage location"},
		{Name: "hooks", Type: responders.ParamString, About: `commands in pods before and after, one a line, as pre selector=app=db container=db onError=Fail timeout=30s: ["fsfreeze", "-f", "/data"]`},
		{Name: "velero", Type: responders.ParamString, About: "namespace of Velero, where there are several"},
	}
}

// templateOf is the spec of a backup as the arguments have it, into a storage location.
func templateOf(args responders.Args, location string) (map[string]any, error) {
	spec := map[string]any{"storageLocation": location}
	for field, name := range map[string]string{"includedNamespaces": "namespaces", "excludedNamespaces": "excludeNamespaces", "includedResources": "resources",
		"excludedResources": "excludeResources", "volumeSnapshotLocations": "snapshotLocations"} {
		if names := args.Names(name); len(names) > 0 {
			spec[field] = texts(names)
		}
	}
	for field, name := range map[string]string{"includeClusterResources": "clusterResources", "snapshotVolumes": "volumes", "snapshotMoveData": "moveData",
		"defaultVolumesToFsBackup": "files"} {
		if said := maybe(args, name); said != nil {
			spec[field] = *said
		}
	}
	if ttl := args.Text("ttl"); ttl != "" {
		lasting, err := time.ParseDuration(ttl)
		if err != nil || lasting <= 0 {
			return nil, fmt.Errorf("ttl: %q is not a time for which a backup could be kept", ttl)
		}
		spec["ttl"] = lasting.String()
	}
	return spec, refine(spec, args)
}

// refine adds what has a form of its own.
func refine(spec map[string]any, args responders.Args) error {
	selector, err := selectorOf(args.Text("selector"))
	if err != nil {
		return err
	}
	if selector != nil {
		if spec["labelSelector"], err = runtime.DefaultUnstructuredConverter.ToUnstructured(selector); err != nil {
			return err
		}
	}
	hooks, err := hooksOf(args.Text("hooks"))
	if err == nil && len(hooks) > 0 {
		spec["hooks"] = map[string]any{"resources": hooks}
	}
	return err
}

// needs are the fields of a backup's spec that an older Velero does not know, with the version that does.
func needs(spec map[string]any) map[string]string {
	out := map[string]string{}
	for field, since := range map[string]string{"snapshotMoveData": "1.12", "defaultVolumesToFsBackup": "1.10"} {
		if _, asked := spec[field]; asked {
			out[field] = since
		}
	}
	return out
}

var labelForm = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)

// ofCluster are the labels by which a backup is known to be of a cluster wherever it is found.
func ofCluster(labels map[string]string, cluster string) map[string]string {
	if labels == nil {
		labels = map[string]string{}
	}
	if labelForm.MatchString(cluster) {
		labels[ClusterLabel] = cluster
	}
	return labels
}

// flags are the arguments of the velero command that stand for a spec.
func flags(spec map[string]any) string {
	var out []string
	for field, flag := range map[string]string{"includedNamespaces": "include-namespaces", "excludedNamespaces": "exclude-namespaces", "includedResources": "include-resources",
		"excludedResources": "exclude-resources", "volumeSnapshotLocations": "volume-snapshot-locations", "includeClusterResources": "include-cluster-resources",
		"snapshotVolumes": "snapshot-volumes", "snapshotMoveData": "snapshot-move-data", "defaultVolumesToFsBackup": "default-volumes-to-fs-backup", "ttl": "ttl",
		"storageLocation": "storage-location"} {
		switch value := spec[field].(type) {
		case []any:
			var names []string
			for _, name := range value {
				names = append(names, fmt.Sprint(name))
			}
			out = append(out, "--"+flag+" "+strings.Join(names, ","))
		case bool:
			out = append(out, fmt.Sprintf("--%s=%t", flag, value))
		case string:
			out = append(out, "--"+flag+" "+value)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
