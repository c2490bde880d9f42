package checks

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// rendered decodes an example's objects.
func rendered(t *testing.T, values map[string]any) []object {
	t.Helper()
	files, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, files)
}

// pods are the pod templates among the objects, by the name of what makes them.
func pods(all []object) map[string]corev1.PodTemplateSpec {
	found := map[string]corev1.PodTemplateSpec{}
	for _, o := range all {
		switch typed := o.typed.(type) {
		case *appsv1.Deployment:
			found[o.name] = typed.Spec.Template
		case *appsv1.StatefulSet:
			found[o.name] = typed.Spec.Template
		}
	}
	return found
}

// Every pod keeps to Kubernetes' restricted standard, has probes and resources,
// and is mounted no Secret that another program alone needs.
func TestPodsAreRestricted(t *testing.T) {
	t.Parallel()
	for name, values := range examples(t) {
		for pod, template := range pods(rendered(t, values)) {
			t.Run(name+"/"+pod, func(t *testing.T) {
				t.Parallel()
				checkPod(t, template.Spec)
				for _, c := range template.Spec.Containers {
					checkContainer(t, c, template.Spec.Volumes)
				}
			})
		}
	}
}

func checkPod(t *testing.T, spec corev1.PodSpec) {
	t.Helper()
	s := spec.SecurityContext
	switch {
	case s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot:
		t.Error("it may run as root")
	case s.RunAsUser == nil || *s.RunAsUser == 0:
		t.Error("its user is not a number other than 0")
	case s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault:
		t.Error("it has no seccomp profile")
	}
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		t.Error("it gets a token for Kubernetes")
	}
	if spec.HostNetwork || spec.HostPID || spec.HostIPC {
		t.Error("it shares namespaces of the host")
	}
	for _, v := range spec.Volumes {
		if v.HostPath != nil {
			t.Errorf("the volume %s is a path of the host", v.Name)
		}
	}
}

func checkContainer(t *testing.T, c corev1.Container, volumes []corev1.Volume) {
	t.Helper()
	s := c.SecurityContext
	if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
		t.Error("it may gain privileges")
	}
	if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
		t.Error("its root filesystem can be written")
	}
	if s == nil || s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") || len(s.Capabilities.Add) > 0 {
		t.Error("it keeps capabilities")
	}
	if c.StartupProbe == nil || c.LivenessProbe == nil || c.ReadinessProbe == nil {
		t.Error("it lacks a probe")
	}
	if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
		t.Error("it lacks resources")
	}
	for _, m := range c.VolumeMounts {
		if !slices.ContainsFunc(volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) && m.Name != "data" {
			t.Errorf("there is no volume %s", m.Name)
		}
	}
	seen := map[string]bool{}
	for _, e := range c.Env {
		if seen[e.Name] {
			t.Errorf("the variable %s is there twice", e.Name)
		}
		seen[e.Name] = true
		if secretName.MatchString(e.Name) && !strings.HasSuffix(e.Name, "_FILE") {
			t.Errorf("the secret %s is a variable", e.Name)
		}
	}
}

var secretName = regexp.MustCompile(`PASSWORD|TOKENS|CLIENT_SECRET|PRIVATE_KEY|FINGERPRINT_KEY|SEAL_KEY`)

// The API gets none of the workers' secrets: a break-in there must not open
// Airbyte, Snowflake or the data products' sources.
func TestAPIHasNoWorkerSecrets(t *testing.T) {
	t.Parallel()
	all := pods(rendered(t, examples(t)["production"]))
	text, err := yaml.Marshal(all["airbyte-provisioner-api"])
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"airbyte-application", "airbyte-provisioner-keys", "snowflake", "data-product-secrets"} {
		if strings.Contains(string(text), "name: "+secret+"\n") {
			t.Errorf("the API mounts %s", secret)
		}
	}
	worker, err := yaml.Marshal(all["airbyte-provisioner-worker"])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(worker), "name: airbyte-provisioner-api\n") {
		t.Error("the worker mounts the API's tokens")
	}
}

// A pod is killed only after the program had the time for its stop.
func TestPodsMayStopInOrder(t *testing.T) {
	t.Parallel()
	values := set(t, examples(t)["production"], "shutdownTimeoutSeconds", 120)
	all := rendered(t, values)
	var settings struct {
		ShutdownTimeout string `json:"shutdownTimeout"`
	}
	for _, o := range all {
		if c, ok := o.typed.(*corev1.ConfigMap); ok && c.Data["config.yaml"] != "" {
			if err := yaml.Unmarshal([]byte(c.Data["config.yaml"]), &settings); err != nil {
				t.Fatal(err)
			}
		}
	}
	shutdown, err := time.ParseDuration(settings.ShutdownTimeout)
	if err != nil || shutdown != 2*time.Minute {
		t.Fatalf("got %q %v", settings.ShutdownTimeout, err)
	}
	for name, template := range pods(all) {
		spec := template.Spec
		need := shutdown
		if l := spec.Containers[0].Lifecycle; l != nil && l.PreStop != nil {
			need += time.Duration(l.PreStop.Sleep.Seconds) * time.Second
		}
		if grace := time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second; grace <= need {
			t.Errorf("%s: %v of grace, %v needed", name, grace, need)
		}
	}
}

// Services, budgets, policies and monitors select the pods that they are meant for.
func TestSelectorsMeetPods(t *testing.T) {
	t.Parallel()
	all := rendered(t, examples(t)["production"])
	templates := pods(all)
	for _, o := range all {
		text, err := yaml.Marshal(o.typed)
		if err != nil {
			t.Fatal(err)
		}
		var parts struct {
			Spec struct {
				Selector    map[string]any        `json:"selector"`
				PodSelector *metav1.LabelSelector `json:"podSelector"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal(text, &parts); err != nil {
			t.Fatal(err)
		}
		wanted := parts.Spec.Selector
		if inner, ok := wanted["matchLabels"].(map[string]any); ok {
			wanted = inner
		}
		if parts.Spec.PodSelector != nil {
			wanted = map[string]any{}
			for k, v := range parts.Spec.PodSelector.MatchLabels {
				wanted[k] = v
			}
		}
		if len(wanted) == 0 {
			continue
		}
		exact := labels.Set{}
		for k, v := range wanted {
			exact[k], _ = v.(string)
		}
		if template, ok := templates[o.name]; !ok || !labels.SelectorFromSet(exact).Matches(labels.Set(template.Labels)) {
			t.Errorf("%s/%s selects no pods of %s", o.Kind, o.name, o.name)
		}
	}
}

// Workers serve, and KEDA counts, the queues that the values name and no others;
// without any name they are the program's own.
func TestQueuesAreThoseNamed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		example, weights string
		queues           []string
	}{
		{"minimal", "access:2,provision:6,unprovision:3,validate:1", []string{"access", "provision", "unprovision", "validate"}},
		{"pool", "validate:1", []string{"validate"}},
		{"sentinel", "access:1,provision:4,unprovision:2,validate:1", []string{"blue.access", "blue.provision", "blue.unprovision", "blue.validate"}},
	} {
		t.Run(test.example, func(t *testing.T) {
			t.Parallel()
			for _, trigger := range []string{"redis", "prometheus"} {
				values := set(t, examples(t)[test.example], "worker.keda.enabled", true)
				values = set(t, values, "worker.keda.trigger", trigger)
				values = set(t, values, "worker.keda.prometheus.serverAddress", "http://prometheus:9090")
				if test.example == "pool" { // KEDA cannot read a URL from a Secret
					values = set(t, values, "redis.external", map[string]any{"address": "redis:6379"})
				}
				all := rendered(t, values)
				if got := variable(pods(all)["airbyte-provisioner-worker"].Spec.Containers[0], "WORKER_QUEUES"); got != test.weights {
					t.Errorf("the workers serve %q, want %q", got, test.weights)
				}
				if got := counted(all); !slices.Equal(got, test.queues) {
					t.Errorf("with the trigger %s KEDA counts %v, want %v", trigger, got, test.queues)
				}
			}
		})
	}
}

func variable(c corev1.Container, name string) string {
	for _, e := range c.Env {
		if e.Name == name {
			return e.Value
		}
	}
	return ""
}

// counted are the queues whose tasks a ScaledObject counts.
func counted(all []object) []string {
	list, selector := regexp.MustCompile(`^asynq:\{(.+)\}:`), regexp.MustCompile(`queue=~"([^"]+)"`)
	var queues []string
	for _, o := range all {
		scaled, ok := o.typed.(*scaledObject)
		if !ok {
			continue
		}
		for _, trigger := range scaled.Spec.Triggers {
			if found := list.FindStringSubmatch(trigger.Metadata["listName"]); found != nil {
				queues = append(queues, found[1])
			}
			if found := selector.FindStringSubmatch(trigger.Metadata["query"]); found != nil {
				for queue := range strings.SplitSeq(found[1], "|") {
					queues = append(queues, strings.ReplaceAll(queue, "[.]", "."))
				}
			}
		}
	}
	slices.Sort(queues)
	return slices.Compact(queues)
}

// The API may call the identity provider, and the place of its keys where that is another one.
func TestProvidersCanBeReached(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string][]int{
		"":                                     {443},
		"https://keys.example.com/jwks":        {443},
		"http://keys.example.com:8080/v1/jwks": {443, 8080},
	} {
		got := []int{}
		for _, o := range rendered(t, set(t, examples(t)["tls"], "api.oidc.jwksUrl", keys)) {
			policy, ok := o.typed.(*networkingv1.NetworkPolicy)
			if !ok || o.name != "airbyte-provisioner-api" {
				continue
			}
			for _, rule := range policy.Spec.Egress {
				for _, port := range rule.Ports {
					got = append(got, port.Port.IntValue())
				}
			}
		}
		for _, port := range want {
			if !slices.Contains(got, port) {
				t.Errorf("with keys at %q the API may call the ports %v only, want %d too", keys, got, port)
			}
		}
	}
}

// KEDA asks for lists that asynq has, and its formula names every trigger once.
func TestKEDA(t *testing.T) {
	t.Parallel()
	term := regexp.MustCompile(`[A-Za-z]+`)
	list := regexp.MustCompile(`^asynq:\{[A-Za-z0-9._-]+\}:(pending|active)$`)
	for _, example := range []string{"production", "cluster", "sentinel"} {
		found := false
		for _, o := range rendered(t, examples(t)[example]) {
			scaled, ok := o.typed.(*scaledObject)
			if !ok {
				continue
			}
			found = true
			if len("keda-hpa-"+o.name) > 63 {
				t.Errorf("%s: the name %s is too long for KEDA", example, o.name)
			}
			if scaled.Spec.MinReplicaCount == nil || *scaled.Spec.MinReplicaCount < 1 {
				t.Errorf("%s: all workers may go, and nobody would look after retries", example)
			}
			names := []string{}
			for _, trigger := range scaled.Spec.Triggers {
				if trigger.Type == "prometheus" {
					continue
				}
				names = append(names, trigger.Name)
				if !list.MatchString(trigger.Metadata["listName"]) {
					t.Errorf("%s: asynq has no list %q", example, trigger.Metadata["listName"])
				}
				if trigger.Metadata["address"]+trigger.Metadata["addresses"] == "" {
					t.Errorf("%s: a trigger does not say where Redis is", example)
				}
			}
			if modifiers := scaled.Spec.Advanced.ScalingModifiers; modifiers != nil {
				if terms := term.FindAllString(modifiers.Formula, -1); !slices.Equal(terms, names) {
					t.Errorf("%s: the formula adds %v, the triggers are %v", example, terms, names)
				}
				if target, err := strconv.ParseFloat(modifiers.Target, 64); err != nil || target <= 0 {
					t.Errorf("%s: the target is %q", example, modifiers.Target)
				}
			} else if len(names) > 0 {
				t.Errorf("%s: without a formula only the longest list counts", example)
			}
		}
		if !found {
			t.Errorf("%s has no ScaledObject", example)
		}
	}
}
