package checks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// object is one that was rendered, decoded into its API type.
type object struct {
	metav1.TypeMeta
	name, namespace string
	typed           any
}

// newTyped are the kinds that the chart may render. A kind that is not here is an error.
var newTyped = map[string]func() metav1.Object{
	"v1/ConfigMap":                            func() metav1.Object { return &corev1.ConfigMap{} },
	"v1/Service":                              func() metav1.Object { return &corev1.Service{} },
	"v1/ServiceAccount":                       func() metav1.Object { return &corev1.ServiceAccount{} },
	"apps/v1/Deployment":                      func() metav1.Object { return &appsv1.Deployment{} },
	"apps/v1/StatefulSet":                     func() metav1.Object { return &appsv1.StatefulSet{} },
	"autoscaling/v2/HorizontalPodAutoscaler":  func() metav1.Object { return &autoscalingv2.HorizontalPodAutoscaler{} },
	"networking.k8s.io/v1/Ingress":            func() metav1.Object { return &networkingv1.Ingress{} },
	"networking.k8s.io/v1/NetworkPolicy":      func() metav1.Object { return &networkingv1.NetworkPolicy{} },
	"policy/v1/PodDisruptionBudget":           func() metav1.Object { return &policyv1.PodDisruptionBudget{} },
	"keda.sh/v1alpha1/ScaledObject":           func() metav1.Object { return &scaledObject{} },
	"keda.sh/v1alpha1/TriggerAuthentication":  func() metav1.Object { return &triggerAuthentication{} },
	"monitoring.coreos.com/v1/ServiceMonitor": func() metav1.Object { return &monitoringv1.ServiceMonitor{} },
	"monitoring.coreos.com/v1/PrometheusRule": func() metav1.Object { return &monitoringv1.PrometheusRule{} },
}

// decode reads every rendered object strictly: unknown fields and fields that
// are there twice are errors.
func decode(t *testing.T, files map[string]string) []object {
	t.Helper()
	var all []object
	for path, text := range files {
		if bytes.HasSuffix([]byte(path), []byte("NOTES.txt")) {
			continue
		}
		documents := utilyaml.NewYAMLReader(bufioReader(text))
		for {
			document, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if o, err := decodeOne(document); err != nil {
				t.Errorf("%s: %v", path, err)
			} else if o != nil {
				all = append(all, *o)
			}
		}
	}
	return all
}

func decodeOne(document []byte) (*object, error) {
	var meta *metav1.TypeMeta
	if err := yaml.Unmarshal(document, &meta); err != nil || meta == nil {
		return nil, err
	}
	typedOf, known := newTyped[meta.APIVersion+"/"+meta.Kind]
	if !known {
		return nil, fmt.Errorf("%s/%s is no kind that this chart should render", meta.APIVersion, meta.Kind)
	}
	typed := typedOf()
	if err := yaml.UnmarshalStrict(document, typed); err != nil {
		return nil, fmt.Errorf("%s: %w", meta.Kind, err)
	}
	if problems := validation.IsDNS1123Subdomain(typed.GetName()); len(problems) > 0 {
		return nil, fmt.Errorf("%s: name %q: %v", meta.Kind, typed.GetName(), problems)
	}
	for key, value := range typed.GetLabels() {
		if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(problems) > 0 {
			return nil, fmt.Errorf("%s: label %s=%q: %v", meta.Kind, key, value, problems)
		}
	}
	return &object{TypeMeta: *meta, name: typed.GetName(), namespace: typed.GetNamespace(), typed: typed}, nil
}

func TestChartObjects(t *testing.T) {
	t.Parallel()
	for name, values := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := render(t, values)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, o := range decode(t, files) {
				id := o.Kind + "/" + o.name
				if seen[id] {
					t.Errorf("%s is there twice", id)
				}
				seen[id] = true
				if o.namespace != release.Namespace {
					t.Errorf("%s is in the namespace %q", id, o.namespace)
				}
				if o.Kind == "Secret" {
					t.Errorf("%s: the chart makes no Secrets", id)
				}
			}
			if len(seen) < 3 {
				t.Errorf("only %d objects", len(seen))
			}
		})
	}
}
