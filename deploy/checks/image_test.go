package checks

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// The image is read by BuildKit's own parser: static programs in an image that
// has nothing else, for a user by number.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	result, err := parser.Parse(bytes.NewReader(read(t, root, "Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range result.Warnings {
		t.Error(w.Short)
	}
	warn := func(rule, description, _, message string, _ []parser.Range) {
		t.Errorf("%s: %s (%s)", rule, message, description)
	}
	stages, arguments, err := instructions.Parse(result.AST, linter.New(&linter.Config{Warn: warn}))
	if err != nil {
		t.Fatal(err)
	}
	final := stages[len(stages)-1]
	if final.BaseName != "scratch" {
		t.Errorf("the image is made from %s", final.BaseName)
	}
	user := regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`)
	found := false
	for _, command := range final.Commands {
		switch c := command.(type) {
		case *instructions.UserCommand:
			found = user.MatchString(c.User)
		case *instructions.RunCommand:
			t.Error("there is no shell in the image to run anything")
		case *instructions.EnvCommand:
			for _, pair := range c.Env {
				if secretName.MatchString(pair.Key) {
					t.Errorf("the image holds %s", pair.Key)
				}
			}
		}
	}
	if !found {
		t.Error("the image's user is not one by number other than root")
	}
	build := string(read(t, root, "Dockerfile"))
	for _, word := range []string{"CGO_ENABLED=0", "-trimpath", "telemetry.version=$VERSION", "telemetry.commit=$COMMIT", "./cmd/api", "./cmd/worker", "./cmd/provisionctl", "./cmd/airbytesim"} {
		if !strings.Contains(build, word) {
			t.Errorf("the programs are built without %s", word)
		}
	}
	wanted := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(read(t, root, "go.mod"))
	for _, a := range arguments {
		for _, pair := range a.Args {
			if pair.Key == "GO_VERSION" && *pair.Value != string(wanted[1]) {
				t.Errorf("the image is built with Go %s, go.mod wants %s", *pair.Value, wanted[1])
			}
		}
	}
}
