package airbytesim

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed connectors/*.json
var connectors embed.FS

// Definition is a connector. The form is that of the embedded files.
type Definition struct {
	ID               string `json:"definitionId"`
	Kind             Kind   `json:"kind"`
	Name             string `json:"name"`
	DockerRepository string `json:"dockerRepository"`
	DockerImageTag   string `json:"dockerImageTag"`
	// SourceType is api, file, database or custom; sources only.
	SourceType string `json:"sourceType,omitempty"`
	Custom     bool   `json:"custom,omitempty"`
	// WorkspaceIDs are the only workspaces that may use it; none means all.
	WorkspaceIDs []string `json:"workspaceIds,omitempty"`
	// DestinationSyncModes are the supported ones; destinations only.
	DestinationSyncModes []string `json:"supported_destination_sync_modes,omitempty"`
	// Specification is the JSON Schema of the configuration.
	Specification json.RawMessage `json:"connectionSpecification"`
	// Catalog is what a source of it discovers; nil means by its kind, see the package's documentation.
	Catalog *Catalog `json:"catalog,omitempty"`
}

// definition is a Definition ready for use.
type definition struct {
	Definition
	schema    *jsonschema.Schema
	plain     map[string]any // the specification, for masks
	pretty    string         // the specification as 422 messages embed it
	lowerName string
}

func (d Definition) compile() (*definition, error) {
	if !isUUID(d.ID) || d.Name == "" || d.Kind != Source && d.Kind != Destination {
		return nil, fmt.Errorf("airbytesim: definition %q needs a UUID, a name and a kind", d.Name+d.ID)
	}
	d.ID = strings.ToLower(d.ID)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.Specification))
	if err != nil {
		return nil, fmt.Errorf("airbytesim: specification of %s: %w", d.Name, err)
	}
	plain, ok := parsed.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("airbytesim: specification of %s is not an object", d.Name)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	where := "mem://" + string(d.Kind) + "/" + d.ID
	if err := compiler.AddResource(where, parsed); err != nil {
		return nil, fmt.Errorf("airbytesim: specification of %s: %w", d.Name, err)
	}
	schema, err := compiler.Compile(where)
	if err != nil {
		return nil, fmt.Errorf("airbytesim: specification of %s: %w", d.Name, err)
	}
	pretty, err := json.MarshalIndent(plain, "", "  ")
	if err != nil {
		return nil, err
	}
	return &definition{Definition: d, schema: schema, plain: plain, pretty: string(pretty), lowerName: strings.ToLower(d.Name)}, nil
}

// embedded are the connectors that come with the simulator. They never change,
// and compiling them takes far longer than all else that a new simulator does.
//
//nolint:gochecknoglobals // made once, never changed
var embedded = sync.OnceValues(func() (map[string]*definition, error) {
	dir, err := fs.Sub(connectors, "connectors")
	if err != nil {
		return nil, err
	}
	all, err := readDefinitions(dir, nil)
	if err != nil {
		return nil, err
	}
	return compileAll(all)
})

// loadDefinitions reads the embedded connectors, then the directory's
// specifications over them, then the options' own.
func loadDefinitions(options Options) (map[string]*definition, error) {
	base, err := embedded()
	if err != nil {
		return nil, err
	}
	further := map[string]Definition{}
	if options.ConnectorsDir != "" {
		if further, err = readDefinitions(os.DirFS(options.ConnectorsDir), base); err != nil {
			return nil, err
		}
	}
	for _, d := range options.Definitions {
		further[strings.ToLower(d.ID)] = d
	}
	compiled, err := compileAll(further)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(base)
	maps.Copy(all, compiled)
	return all, nil
}

func compileAll(definitions map[string]Definition) (map[string]*definition, error) {
	all := make(map[string]*definition, len(definitions))
	for id, d := range definitions {
		compiled, err := d.compile()
		if err != nil {
			return nil, err
		}
		all[id] = compiled
	}
	return all, nil
}

// readDefinitions reads a directory's files; what they leave out comes from the base.
func readDefinitions(dir fs.FS, base map[string]*definition) (map[string]Definition, error) {
	files, err := fs.Glob(dir, "*.json")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("airbytesim: the directory of connectors holds no JSON file")
	}
	all := make(map[string]Definition, len(files))
	for _, file := range files {
		raw, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, err
		}
		var d Definition
		if err := json.Unmarshal(raw, &d); err != nil {
			return nil, fmt.Errorf("airbytesim: %s: %w", file, err)
		}
		d.ID = strings.ToLower(d.ID)
		var known Definition
		if at, ok := base[d.ID]; ok {
			known = at.Definition
		}
		all[d.ID] = d.over(known, strings.TrimSuffix(path.Base(file), ".json"))
	}
	return all, nil
}

// over fills what a bare specification leaves out from the embedded connector
// of the same id, and otherwise from the file's name.
func (d Definition) over(base Definition, file string) Definition {
	if base.ID != "" {
		base.Specification = d.Specification
		if d.DestinationSyncModes != nil {
			base.DestinationSyncModes = d.DestinationSyncModes
		}
		return base
	}
	if d.Kind == "" {
		d.Kind = Source
		if strings.HasPrefix(file, string(Destination)) {
			d.Kind = Destination
			d.DestinationSyncModes = append(d.DestinationSyncModes, "overwrite", "append")
		}
	}
	if d.Name == "" {
		d.Name = file
	}
	if d.DockerRepository == "" {
		d.DockerRepository, d.DockerImageTag = "airbyte/"+file, "0.1.0"
	}
	return d
}

// AddDefinition adds a connector, or replaces the one of the same id.
func (s *Sim) AddDefinition(d Definition) error {
	compiled, err := d.compile()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.definitions[compiled.ID] = compiled
	return nil
}

// definition finds one that the workspace may use; mu is held.
func (s *Sim) definition(kind Kind, id, workspace string) (*definition, error) {
	d, ok := s.world.definitions[id]
	private := ok && len(d.WorkspaceIDs) > 0 && workspace != "" && !slices.Contains(d.WorkspaceIDs, workspace)
	if !ok || d.Kind != kind || private {
		return nil, notFound(map[Kind]string{
			Source: "STANDARD_SOURCE_DEFINITION", Destination: "STANDARD_DESTINATION_DEFINITION",
		}[kind], id)
	}
	return d, nil
}

func (d *definition) read() map[string]any {
	support, stage := "certified", "generally_available"
	if d.Custom {
		support, stage = "none", "custom"
	}
	body := map[string]any{
		d.side().definitionID: d.ID, "name": d.Name, "dockerRepository": d.DockerRepository,
		"dockerImageTag": d.DockerImageTag, "documentationUrl": d.documentation(), "protocolVersion": "0.2.0",
		"custom": d.Custom, "enterprise": false, "supportLevel": support, "releaseStage": stage, "language": "java",
	}
	if d.SourceType != "" {
		body["sourceType"] = d.SourceType
	}
	return body
}

func (d *definition) side() side { return sides[d.Kind] }

func (d *definition) documentation() string {
	return "https://docs.airbyte.com/integrations/" + string(d.Kind) + "s/" +
		strings.TrimPrefix(path.Base(d.DockerRepository), string(d.Kind)+"-")
}

// getDefinition is get and get_for_workspace.
func (side side) getDefinition(s *Sim, c *call) (any, error) {
	workspace := c.id("workspaceId")
	if workspace != "" {
		if _, err := s.workspace(workspace); err != nil {
			return nil, err
		}
	}
	d, err := s.definition(side.kind, c.id(side.definitionID), workspace)
	if err != nil {
		return nil, err
	}
	return d.read(), nil
}

// listDefinitions is list (public ones) and list_for_workspace.
func (side side) listDefinitions(s *Sim, c *call) (any, error) {
	workspace := c.id("workspaceId")
	if workspace != "" {
		if _, err := s.workspace(workspace); err != nil {
			return nil, err
		}
	}
	found := []any{}
	for _, id := range slices.Sorted(maps.Keys(s.world.definitions)) {
		d := s.world.definitions[id]
		if d.Kind != side.kind || d.Custom && workspace == "" || c.flag("filterByUsed") && !s.used(id, workspace) {
			continue
		}
		if _, err := s.definition(side.kind, id, workspace); err == nil {
			found = append(found, d.read())
		}
	}
	return map[string]any{string(side.kind) + "Definitions": found}, nil
}

func (s *Sim) used(definition, workspace string) bool {
	for _, a := range s.world.actors {
		if a.DefinitionID == definition && a.WorkspaceID == workspace && !a.Deleted {
			return true
		}
	}
	return false
}

// specification is {source,destination}_definition_specifications/get.
func (side side) specification(s *Sim, c *call) (any, error) {
	workspace := c.id("workspaceId")
	if _, err := s.workspace(workspace); err != nil {
		return nil, err
	}
	d, err := s.definition(side.kind, c.id(side.definitionID), workspace)
	if err != nil {
		return nil, err
	}
	body := map[string]any{
		side.definitionID: d.ID, "documentationUrl": d.documentation(), "connectionSpecification": d.plain,
		"advancedAuthGlobalCredentialsAvailable": false, "jobInfo": s.jobInfo("get_spec", d.ID, nil),
	}
	if side.kind == Destination {
		body["supportedDestinationSyncModes"] = d.DestinationSyncModes
	}
	return body, nil
}
