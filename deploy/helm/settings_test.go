package helm_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"airbyte-provisioner/internal/config"
)

// rendered is what deploy/checks renders of the chart's examples and keeps as golden files.
const rendered = "../checks/testdata/golden/*.yaml"

// document is the part of a Kubernetes object that matters here.
type document struct {
	Kind     string `yaml:"kind"`
	Metadata struct{ Name string }
	Data     map[string]string `yaml:"data"`
	Spec     struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Name string     `yaml:"name"`
					Env  []variable `yaml:"env"`
				} `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type variable struct {
	Name      string    `yaml:"name"`
	Value     string    `yaml:"value"`
	ValueFrom yaml.Node `yaml:"valueFrom"`
}

// TestProgramsTakeTheChartsSettings starts nothing: it lets the programs' own
// reader of settings read what the chart gives to the API and to the workers.
func TestProgramsTakeTheChartsSettings(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(rendered)
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing is rendered: %v", err)
	}
	for _, file := range files {
		settings, programs := read(t, file)
		for program, environment := range programs {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml")+"/"+string(program), func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "config.yaml")
				if err := os.WriteFile(path, []byte(settings), 0o600); err != nil {
					t.Fatal(err)
				}
				loaded, err := config.Load(path, mounted(t, environment), program)
				if err != nil {
					t.Fatal(err)
				}
				check(t, loaded, program)
			})
		}
	}
}

// check looks at a few settings that must have arrived.
func check(t *testing.T, loaded config.Config, program config.Program) {
	t.Helper()
	if loaded.Queue.ShutdownTimeout <= 0 || loaded.Redis.Where() == "" {
		t.Errorf("the shutdown takes %v, Redis is at %q", loaded.Queue.ShutdownTimeout, loaded.Redis.Where())
	}
	if program == config.ForWorker && loaded.Airbyte.BaseURL == "" {
		t.Error("the worker knows no Airbyte")
	}
}

// read returns the settings file and each program's environment.
func read(t *testing.T, file string) (settings string, programs map[config.Program][]variable) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, objects, _ := bytes.Cut(raw, []byte("\n---\n")) // the first document is the notes
	programs = map[config.Program][]variable{}
	for decoder := yaml.NewDecoder(bytes.NewReader(objects)); ; {
		var d document
		if err := decoder.Decode(&d); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if text := d.Data["config.yaml"]; text != "" {
			settings = text
		}
		if d.Kind == "Deployment" {
			c := d.Spec.Template.Spec.Containers[0]
			programs[config.Program(c.Name)] = c.Env
		}
	}
	if settings == "" || len(programs) == 0 {
		t.Fatalf("%s has no settings or no programs", file)
	}
	return settings, programs
}

// mounted is the environment with a file or directory of the test for each that would be mounted.
func mounted(t *testing.T, environment []variable) []string {
	t.Helper()
	var all []string
	for _, v := range environment {
		value := v.Value
		switch {
		case !v.ValueFrom.IsZero():
			value = "from-a-secret"
		case strings.HasSuffix(v.Name, "_DIR"):
			value = t.TempDir()
		case strings.HasSuffix(v.Name, "_FILE"):
			value = filepath.Join(t.TempDir(), v.Name)
			text := "a-secret-of-some-length\n"
			if v.Name == "REDIS_URL_FILE" {
				text = "rediss://user:password@redis.example.com:6380/1\n"
			}
			if err := os.WriteFile(value, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, v.Name+"="+value)
	}
	return all
}
