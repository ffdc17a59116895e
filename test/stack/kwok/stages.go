package main

import (
	"embed"
	"fmt"
	"io/fs"

	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/apis/v1alpha1"
	"sigs.k8s.io/yaml"
)

//go:embed stages/*.yaml
var stageFiles embed.FS

// readStages reads the stages built into the binary, by the kind of object they move.
func readStages() (map[internalversion.StageResourceRef][]*internalversion.Stage, error) {
	names, err := fs.Glob(stageFiles, "stages/*.yaml")
	if err != nil {
		return nil, err
	}
	stages := map[internalversion.StageResourceRef][]*internalversion.Stage{}
	for _, name := range names {
		stage, err := readStage(name)
		if err != nil {
			return nil, fmt.Errorf("read stage %s: %w", name, err)
		}
		ref := stage.Spec.ResourceRef
		stages[ref] = append(stages[ref], stage)
	}
	return stages, nil
}

func readStage(name string) (*internalversion.Stage, error) {
	data, err := stageFiles.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var stage v1alpha1.Stage
	if err := yaml.UnmarshalStrict(data, &stage); err != nil {
		return nil, err
	}
	v1alpha1.SetObjectDefaults_Stage(&stage)
	return internalversion.ConvertToInternalStage(&stage)
}
