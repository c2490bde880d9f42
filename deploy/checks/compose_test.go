package checks

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func loadCompose(t *testing.T, environment types.Mapping) *types.Project {
	t.Helper()
	directory, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  directory,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(directory, "docker-compose.yaml")}},
		Environment: environment,
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// The compose file as the compose project's own loader reads it.
func TestCompose(t *testing.T) {
	t.Parallel()
	project := loadCompose(t, types.Mapping{})
	if names, want := project.ServiceNames(), []string{"airbyte", "api", "asynqmon", "grafana", "prometheus", "redis", "worker"}; !slices.Equal(names, want) {
		t.Errorf("got the services %v, want %v", names, want)
	}
	worker := project.Services["worker"]
	if replicas := worker.GetScale(); replicas != 2 {
		t.Errorf("got %d workers, want 2", replicas)
	}
	for name, service := range project.Services {
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s listens at %q to more than this machine", name, port.HostIP)
			}
		}
		if !slices.Contains(service.CapDrop, "ALL") || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s keeps privileges", name)
		}
		if !service.ReadOnly && name != "grafana" { // its plug-ins and database
			t.Errorf("%s can write to its root filesystem", name)
		}
		if tag := regexp.MustCompile(`:[^:/]+$`).FindString(service.Image); tag == "" || tag == ":latest" {
			t.Errorf("%s has the image %s, of no certain version", name, service.Image)
		}
		for dependency := range service.DependsOn {
			if condition := service.DependsOn[dependency].Condition; condition == types.ServiceConditionHealthy && project.Services[dependency].HealthCheck == nil {
				t.Errorf("%s waits for %s to be healthy, which has no health check", name, dependency)
			}
		}
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeBind {
				read(t, volume.Source, bindProof[filepath.Base(volume.Source)])
			}
		}
		for _, config := range service.Configs {
			read(t, project.Configs[config.Source].File)
		}
	}
	command := strings.Join(project.Services["redis"].Command, " ")
	for _, setting := range []string{"--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"} {
		if !strings.Contains(command, setting) {
			t.Errorf("Redis runs without %s", setting)
		}
	}
}

// bindProof names a file that a mounted directory must have.
var bindProof = map[string]string{"prometheus": "prometheus.yaml", "provisioning": "dashboards/dashboards.yaml", "dashboards": "airbyte-provisioner.json"}

// An Airbyte of one's own is reached with what .env gives, be it no credentials at all.
func TestComposeWithAnotherAirbyte(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]types.Mapping{
		"an application":     {"AIRBYTE_BASE_URL": "http://host.docker.internal:8000", "AIRBYTE_CLIENT_ID": "id", "AIRBYTE_CLIENT_SECRET": "local-demo-secret"},
		"no authentication":  {"AIRBYTE_BASE_URL": "http://host.docker.internal:8000", "AIRBYTE_CLIENT_ID": "", "AIRBYTE_CLIENT_SECRET": ""},
		"HTTP basic instead": {"AIRBYTE_CLIENT_ID": "", "AIRBYTE_CLIENT_SECRET": "", "AIRBYTE_USERNAME": "airbyte", "AIRBYTE_PASSWORD": "local-demo-password"},
	} {
		environment := loadCompose(t, given.Clone()).Services["worker"].Environment
		for variable, want := range given {
			if got := environment[variable]; got == nil || *got != want {
				t.Errorf("%s: %s is not %q", name, variable, want)
			}
		}
	}
}

// What looks like a secret says that it is for this machine.
func TestComposeSecrets(t *testing.T) {
	t.Parallel()
	for name, service := range loadCompose(t, types.Mapping{}).Services {
		for variable, value := range service.Environment {
			if value == nil || *value == "" || !secretName.MatchString(variable) && !strings.HasPrefix(variable, "SECRET_") {
				continue
			}
			if !strings.HasPrefix(*value, "local-demo") && !strings.HasPrefix(*value, "{") && !strings.HasSuffix(variable, "_FILE") {
				t.Errorf("%s: %s=%s", name, variable, *value)
			}
		}
	}
	if token := strings.TrimSpace(string(read(t, root, "deploy/compose/api-token"))); token != "local-demo-only" {
		t.Errorf("the token is %q", token)
	}
}

// Every secret that an example descriptor names is there, so that each can be tried.
func TestComposeKnowsTheExamplesSecrets(t *testing.T) {
	t.Parallel()
	environment := loadCompose(t, types.Mapping{}).Services["worker"].Environment
	files, err := filepath.Glob(root + "/examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, file := range files {
		for _, match := range regexp.MustCompile(`\$\{secret:([^}]+)\}`).FindAllSubmatch(read(t, file), -1) {
			if environment["SECRET_"+string(match[1])] == nil {
				t.Errorf("%s asks for %s", file, match[1])
			}
		}
	}
}
