// Checks manifests against the Kubeflow Spark operator: its Go types, strictly, and the schema of its CRDs.
//
//	go run . CRD-FOLDER MANIFEST...
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kubeflow/spark-operator/v2/api/v1beta2"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/yaml"
)

// kinds maps a kind to an object to decode it into, and to the file of its CRD.
var kinds = map[string]struct {
	object any
	crd    string
}{
	"SparkApplication":          {&v1beta2.SparkApplication{}, "sparkoperator.k8s.io_sparkapplications.yaml"},
	"ScheduledSparkApplication": {&v1beta2.ScheduledSparkApplication{}, "sparkoperator.k8s.io_scheduledsparkapplications.yaml"},
}

type definition struct {
	Spec struct {
		Versions []struct {
			Name   string
			Schema struct{ OpenAPIV3Schema json.RawMessage }
		}
	}
}

// check returns an error if the manifest is not an object that the operator's CRD and types accept.
func check(folder, manifest string) error {
	text, err := os.ReadFile(manifest)
	if err != nil {
		return err
	}
	var object struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(text, &object); err != nil {
		return err
	}
	kind, known := kinds[object.Kind]
	if !known || object.APIVersion != v1beta2.GroupVersion.String() {
		return fmt.Errorf("apiVersion %q, kind %q", object.APIVersion, object.Kind)
	}
	if err := yaml.UnmarshalStrict(text, kind.object, yaml.DisallowUnknownFields); err != nil {
		return err
	}
	schema, err := schema(filepath.Join(folder, kind.crd))
	if err != nil {
		return err
	}
	var content any
	if err := yaml.Unmarshal(text, &content); err != nil {
		return err
	}
	return validate.NewSchemaValidator(schema, nil, "", strfmt.Default).Validate(content).AsError()
}

// schema reads the schema of v1beta2 from a CRD.
func schema(crd string) (*spec.Schema, error) {
	text, err := os.ReadFile(crd)
	if err != nil {
		return nil, err
	}
	var definition definition
	if err := yaml.Unmarshal(text, &definition); err != nil {
		return nil, err
	}
	for _, version := range definition.Spec.Versions {
		if version.Name == v1beta2.GroupVersion.Version {
			schema := new(spec.Schema)
			return schema, json.NewDecoder(bytes.NewReader(version.Schema.OpenAPIV3Schema)).Decode(schema)
		}
	}
	return nil, fmt.Errorf("%s has no %s", crd, v1beta2.GroupVersion.Version)
}

func main() {
	failed := false
	for _, manifest := range os.Args[2:] {
		if err := check(os.Args[1], manifest); err != nil {
			fmt.Printf("  %s: %v\n", manifest, err)
			failed = true
		} else {
			fmt.Printf("  %s: valid\n", manifest)
		}
	}
	if failed {
		os.Exit(1)
	}
}
