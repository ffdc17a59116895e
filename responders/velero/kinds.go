package velero

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// group is Velero's API group.
const group = "velero.io"

// version is the API of what is in every Velero since 1.0.
var version = schema.GroupVersion{Group: group, Version: "v1"}

var (
	backups           = version.WithResource("backups")
	locations         = version.WithResource("backupstoragelocations")
	podVolumeBackups  = version.WithResource("podvolumebackups")
	podVolumeRestores = version.WithResource("podvolumerestores")
	restores          = version.WithResource("restores")
	schedules         = version.WithResource("schedules")
	downloads         = version.WithResource("downloadrequests")
	dataDownloads     = schema.GroupVersionResource{Group: group, Version: "v2alpha1", Resource: "datadownloads"}
	dataUploads       = schema.GroupVersionResource{Group: group, Version: "v2alpha1", Resource: "datauploads"}

	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	configMaps  = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
)

// Labels and annotations of Velero's objects that Salvor reads or writes.
const (
	ClusterLabel       = "salvor.io/cluster"     // the cluster that a backup is of
	VerifiedAnnotation = "salvor.io/verified-at" // when a backup was last proved to be restorable, as RFC 3339
	ManagedLabel       = "salvor.io/managed"     // on what Salvor made
	workLabel          = "salvor.io/work"        // the step of an incident that an object was made for, as a hash
	incidentAnnotation = "salvor.io/incident"
	stepAnnotation     = "salvor.io/step"
	digestAnnotation   = "salvor.io/digest"       // of the spec that an object was made with: Velero adds to it
	backupLabel        = "velero.io/backup-name"  // Velero's: the backup that an object is part of
	restoreLabel       = "velero.io/restore-name" // Velero's: the restore that an object is part of
)

// ErrNotInstalled says that a cluster does not know Velero's objects.
var ErrNotInstalled = errors.New("Velero is not installed in this cluster: install it, or bring back what is there another way") //nolint:staticcheck // it is a name

// pageSize and mostObjects bound what is read of one kind.
const (
	pageSize    = 500
	mostObjects = 10000
)

// each calls visit with every object of a kind that a label selector matches; in all namespaces where none is given.
func each(ctx context.Context, client dynamic.Interface, kind schema.GroupVersionResource, namespace, selector string,
	visit func(*unstructured.Unstructured) error) error {
	options := metav1.ListOptions{Limit: pageSize, LabelSelector: selector}
	for seen := 0; ; {
		page, err := client.Resource(kind).Namespace(namespace).List(ctx, options)
		if err != nil {
			return fmt.Errorf("list %s: %w", kind.Resource, notInstalled(kind, err))
		}
		for i := range page.Items {
			if err := visit(&page.Items[i]); err != nil {
				return err
			}
		}
		seen += len(page.Items)
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return nil
		}
		if seen >= mostObjects {
			return fmt.Errorf("list %s: there are more than %d; delete old ones", kind.Resource, mostObjects)
		}
	}
}

// notInstalled names what it means that a kind of Velero is not served.
func notInstalled(kind schema.GroupVersionResource, err error) error {
	if kind.Group == group && apierrors.IsNotFound(err) {
		return ErrNotInstalled
	}
	return err
}

// longestText bounds what is told of a text that somebody else wrote.
const longestText = 300

// asked is what an object store says of each single request. It is another one each time, and pushes what is wrong out of sight.
var asked = regexp.MustCompile(`, RequestID: [^,]*(?:, HostID: [^,]*)?`)

// line is a text of somebody else in one line, cut where it is long.
func line(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	text = asked.ReplaceAllString(text, "")
	if runes := []rune(text); len(runes) > longestText {
		return string(runes[:longestText-1]) + "…"
	}
	return text
}
