package catalog

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"airbyte-provisioner/internal/workload"
)

//go:embed connectors/*.yaml
var embedded embed.FS

// The connectors that a descriptor means when it names none.
const (
	defaultSource      = "source-file"
	defaultDestination = "destination-snowflake"
)

// Catalog holds the connectors and what the installation says of them. It is
// safe for concurrent use.
type Catalog struct {
	profiles      map[string]*Profile
	byID          map[string]*Profile
	defaults      map[Role]Choice
	settings      map[string]string
	allowLiterals bool
	sealer        *Sealer
}

// Option changes how a catalogue behaves.
type Option func(*Catalog)

// WithDefaults replaces the definition ids of the default source and
// destination connector; "" leaves one as it is. An id that belongs to another
// connector of the catalogue makes that one the default; for any other id the
// default's own profile goes on to apply.
func WithDefaults(sourceID, destinationID string) Option {
	return func(c *Catalog) {
		c.replaceDefault(Source, sourceID)
		c.replaceDefault(Destination, destinationID)
	}
}

// WithSettings gives the values for ${setting:NAME}, by settingNames.
func WithSettings(settings map[string]string) Option {
	return func(c *Catalog) { c.settings = settings }
}

// WithLiteralSecrets accepts secrets in clear text in a descriptor, which then
// travel sealed; without a sealer they are refused all the same.
func WithLiteralSecrets(sealer *Sealer) Option {
	return func(c *Catalog) { c.allowLiterals, c.sealer = true, sealer }
}

// Load reads the embedded connectors and those in the operator's directory ("" for
// none), which add to them or replace those of the same name. The error names
// every bad file with the line and the reason.
func Load(dir string, options ...Option) (*Catalog, error) {
	c := &Catalog{profiles: map[string]*Profile{}, byID: map[string]*Profile{}}
	if err := c.readAll(embedded, "connectors"); err != nil {
		return nil, err
	}
	shipped := map[string]string{}
	for name, profile := range c.profiles {
		shipped[name] = profile.DefinitionID
	}
	if dir != "" {
		if err := c.readAll(os.DirFS(dir), "."); err != nil {
			return nil, fmt.Errorf("connector files in %s: %w", dir, err)
		}
	}
	for _, name := range c.names() { // sorted: of several with one id the first by name stands for it
		profile := c.profiles[name]
		// What replaces a connector without an id still holds for the id of that one.
		if id := cmp.Or(profile.DefinitionID, shipped[name]); id != "" && c.byID[id] == nil {
			c.byID[id] = profile
		}
	}
	c.defaults = map[Role]Choice{
		Source:      {Connector: defaultSource, DefinitionID: c.profiles[defaultSource].DefinitionID},
		Destination: {Connector: defaultDestination, DefinitionID: c.profiles[defaultDestination].DefinitionID},
	}
	for _, option := range options {
		option(c)
	}
	for _, profile := range c.profiles {
		profile.fill(c.settings)
	}
	return c, nil
}

func (c *Catalog) readAll(files fs.FS, dir string) error {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return err
	}
	var bad []error
	read := map[string]string{} // files by connector
	for _, entry := range entries {
		name := entry.Name()
		extension := path.Ext(name)
		if entry.IsDir() || strings.HasPrefix(name, ".") || extension != ".yaml" && extension != ".yml" {
			continue // Kubernetes mounts beside the files what it needs itself
		}
		connector := strings.TrimSuffix(name, extension)
		data, err := fs.ReadFile(files, path.Join(dir, name))
		switch {
		case err != nil:
		case read[connector] != "":
			err = fmt.Errorf("the connector is in %s already", read[connector])
		default:
			err = c.add(data, connector)
		}
		read[connector] = name
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(bad...)
}

func (c *Catalog) add(data []byte, name string) error {
	profile, err := parseProfile(name, data)
	if err != nil {
		return err
	}
	c.profiles[profile.Name] = profile
	return nil
}

func (c *Catalog) replaceDefault(role Role, id string) {
	if id == "" {
		return
	}
	id = strings.ToLower(id)
	choice := Choice{Connector: c.defaults[role].Connector, DefinitionID: id}
	if profile := c.byID[id]; profile != nil && profile.Role == role {
		choice.Connector = profile.Name
	}
	c.defaults[role] = choice
}

func (c *Catalog) names() []string { return sortedKeys(c.profiles) }

// Profiles are all connectors, by name.
func (c *Catalog) Profiles() []*Profile {
	var all []*Profile
	for _, name := range c.names() {
		all = append(all, c.profiles[name])
	}
	return all
}

// Profile finds a connector by its name, with or without a version; nil if the
// catalogue has none of that name.
func (c *Catalog) Profile(name string) *Profile { return c.profiles[BareName(name)] }

// BareName strips what may surround a connector's name: a repository's owner, a
// version and an image tag. airbyte/source-faker:6.2.0 and source-faker@latest
// are both source-faker.
func BareName(name string) string {
	name = strings.TrimSpace(name)
	name = name[strings.LastIndexByte(name, '/')+1:]
	if end := strings.IndexAny(name, ":@"); end >= 0 {
		name = name[:end]
	}
	return strings.ToLower(name)
}

// Choice is the connector that a descriptor means.
type Choice struct {
	Connector    string // "" where only an id unknown to the catalogue was given
	DefinitionID string // "" where the workspace must be searched for the name
}

// Choose finds the connector that a block of a descriptor means by its connector
// and definitionId ("" where it has none). A name that the catalogue lacks is
// passed on when it may be a connector's: only the worker knows the workspace's.
// Problems have paths relative to the block.
func (c *Catalog) Choose(role Role, connector, definitionID string) (Choice, []workload.Problem) {
	if connector == "" && definitionID == "" {
		return c.defaults[role], nil
	}
	if connector == "" {
		profile := c.byID[definitionID]
		switch {
		case profile == nil:
			return Choice{DefinitionID: definitionID}, nil
		case profile.Role != role:
			return Choice{}, []workload.Problem{{Path: "definitionId", Message: fmt.Sprintf("is that of %s, a %s; expected a %s", profile.Name, profile.Role, role)}}
		}
		return Choice{Connector: profile.Name, DefinitionID: definitionID}, nil
	}
	return c.chooseByName(role, connector, definitionID)
}

func (c *Catalog) chooseByName(role Role, connector, definitionID string) (Choice, []workload.Problem) {
	name := BareName(connector)
	if !profileName.MatchString(name) || !strings.HasPrefix(name, string(role)+"-") {
		message := fmt.Sprintf("is %.60q; expected the name of a %s connector, such as %s", connector, role, c.defaults[role].Connector)
		return Choice{}, []workload.Problem{{Path: "connector", Message: message + c.suggest(role, name)}}
	}
	choice := Choice{Connector: name, DefinitionID: definitionID}
	if profile := c.profiles[name]; profile != nil && definitionID == "" {
		choice.DefinitionID = profile.DefinitionID
	}
	if other := c.byID[definitionID]; other != nil && other.Name != name && (c.profiles[name] == nil || c.profiles[name].DefinitionID != definitionID) {
		return Choice{}, []workload.Problem{{Path: "definitionId", Message: fmt.Sprintf("is that of %s, but connector is %s; expected one of the two, or both of one connector", other.Name, name)}}
	}
	return choice, nil
}

// Names are those of the role's connectors, sorted.
func (c *Catalog) Names(role Role) []string {
	return slices.DeleteFunc(c.names(), func(name string) bool { return c.profiles[name].Role != role })
}

// suggest offers connectors of the right role for a name of any form.
func (c *Catalog) suggest(role Role, name string) string {
	var short []string
	for _, known := range c.Names(role) {
		short = append(short, strings.TrimPrefix(known, string(role)+"-"))
	}
	near := Nearest(strings.TrimPrefix(strings.TrimPrefix(name, "source-"), "destination-"), short)
	if len(near) == 0 {
		return ""
	}
	for i := range near {
		near[i] = string(role) + "-" + near[i]
	}
	return "; did you mean " + listed(near) + "?"
}

// Hint says what is worth knowing of a choice that is no mistake yet: a name that
// the catalogue lacks may be the workspace's or misspelt. "" if there is nothing.
func (c *Catalog) Hint(role Role, choice Choice) string {
	if choice.Connector == "" || choice.DefinitionID != "" || c.Profile(choice.Connector) != nil {
		return ""
	}
	return fmt.Sprintf("is %q, which the catalogue does not know; the Airbyte workspace must have it%s", choice.Connector, c.suggest(role, choice.Connector))
}

// DefinitionID is the definition that an actor of a work uses; "" where the
// workspace's definitions must be searched for the connector's name, which
// their dockerRepository holds (see BareName).
func (c *Catalog) DefinitionID(role Role, actor workload.Actor) string {
	switch {
	case actor.DefinitionID != "":
		return actor.DefinitionID
	case actor.Connector == "":
		return c.defaults[role].DefinitionID
	}
	if profile := c.Profile(actor.Connector); profile != nil {
		return profile.DefinitionID
	}
	return ""
}
