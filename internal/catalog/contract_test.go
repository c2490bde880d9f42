package catalog

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contractSpecification reads a connector's real specification; nil if there is
// none for it. It skips the test where the contract is not at hand.
func contractSpecification(t *testing.T, name string) (raw json.RawMessage, definitionID string) {
	t.Helper()
	dir := os.Getenv("CONTRACT_DIR")
	if dir == "" {
		t.Skip("CONTRACT_DIR is not set")
	}
	text, err := os.ReadFile(filepath.Join(dir, "connectors", name+".json"))
	if os.IsNotExist(err) {
		return nil, ""
	}
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		DefinitionID  string          `json:"definitionId"`
		Specification json.RawMessage `json:"connectionSpecification"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Specification, file.DefinitionID
}

func TestEachProfileAgreesWithTheRealSpecification(t *testing.T) {
	t.Parallel()
	connectors := loadEmbedded(t)
	compared := 0
	for _, profile := range connectors.Profiles() {
		raw, id := contractSpecification(t, profile.Name)
		if raw == nil {
			continue
		}
		compared++
		if profile.DefinitionID != id {
			t.Errorf("%s has definition id %s, really %s", profile.Name, profile.DefinitionID, id)
		}
		own, err := ParseSpecification(raw)
		if err != nil {
			t.Fatalf("%s: %v", profile.Name, err)
		}
		want, got := outline("", own.schema, false), outline("", profile.form(), false)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s differs from its real specification (-real +catalogue):\n%s", profile.Name, diff)
		}
	}
	if compared < 10 {
		t.Errorf("only %d profiles were compared", compared)
	}
}

// outline lists what a schema says of each field: type, whether it is required,
// a secret, and which values it allows. Titles and descriptions are our own.
func outline(path string, s *schema, required bool) []string {
	var values []string
	for _, value := range s.Enum {
		values = append(values, fmt.Sprint(value))
	}
	if s.Const != nil {
		values = []string{fmt.Sprint(s.Const)}
	}
	types := slices.Clone(s.Types)
	if len(s.branches()) > 0 || len(s.Properties) > 0 {
		types = typeList{"object"} // branches often leave it out
	}
	lines := []string{fmt.Sprintf("%s: %s required=%t secret=%t values=%s", path, strings.Join(types, ","), required, s.Secret, strings.Join(values, "|"))}
	for _, name := range sortedKeys(s.Properties) {
		lines = append(lines, outline(join(path, name), s.Properties[name], slices.Contains(s.Required, name))...)
	}
	if s.Items != nil {
		lines = append(lines, outline(path+"[]", s.Items, false)...)
	}
	discriminator := s.discriminator
	for _, branch := range s.branches() {
		name := fmt.Sprintf("%s<%v>", path, branch.Properties[discriminator].fixed())
		lines = append(lines, outline(name, branch, false)...)
	}
	slices.Sort(lines)
	return lines
}
