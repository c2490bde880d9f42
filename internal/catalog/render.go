package catalog

import (
	_ "embed" // how to write a file
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"airbyte-provisioner/internal/workload"
)

// Block is a ready block of a descriptor's specific section for the connector,
// as YAML: its example with every field explained, and those that it leaves out
// as comments.
func (p *Profile) Block() string {
	var b blockWriter
	b.comment(0, "", p.Title+": "+strings.Join(strings.Fields(p.Help), " "))
	b.line(0, string(p.Role)+":")
	b.line(1, "name: Name of the "+string(p.Role)+" in Airbyte")
	b.line(1, "connector: "+p.Name)
	if len(p.Example) == 0 && p.form() == nil {
		b.line(1, "connectionConfiguration: {}")
		return b.String()
	}
	b.line(1, "connectionConfiguration:")
	b.fields(2, p.form(), p.Example, p.notes())
	return b.String()
}

// notes says of each field where a value comes from that the descriptor lacks.
func (p *Profile) notes() map[string]string {
	notes := map[string]string{}
	for _, value := range p.defaults {
		notes[value.Field] = "default " + oneLine(value.Value)
	}
	for _, derived := range p.derived {
		notes[derived.field] = "derived where absent"
	}
	for _, value := range p.provided {
		notes[value.Field] = "usually set by the platform"
	}
	for field, reason := range p.forbidden {
		notes[field] = "not to be set: " + reason
	}
	return notes
}

// blockWriter writes indented YAML.
type blockWriter struct{ strings.Builder }

func (b *blockWriter) line(depth int, text string) {
	b.WriteString(strings.Repeat("  ", depth) + text + "\n")
}

// commentWidth is where comments are wrapped.
const commentWidth = 110

// comment writes a text as a comment; the indent is that of the text within it.
func (b *blockWriter) comment(depth int, indent, text string) {
	line := "#" + indent
	for word := range strings.FieldsSeq(text) {
		if len(line)+len(word) > commentWidth {
			b.line(depth, line)
			line = "#" + indent
		}
		line += " " + word
	}
	b.line(depth, line)
}

// fields writes the fields of an object: those of the example first.
func (b *blockWriter) fields(depth int, s *schema, example map[string]any, notes map[string]string) {
	names := sortedKeys(example)
	if s != nil {
		names = s.fields(example)
	}
	slices.SortStableFunc(names, func(x, y string) int { return rank(s, example, x) - rank(s, example, y) })
	for _, name := range names {
		field := s.property(example, name)
		b.comment(depth, "", explainField(field, s.requires(example, name), notes[name]))
		value, there := example[name]
		list, isList := value.([]any)
		switch inner, isObject := value.(map[string]any); {
		case isList && field != nil && field.Items != nil && len(field.Items.Properties) > 0:
			b.line(depth, name+":")
			for _, each := range list {
				b.line(depth+1, "-")
				b.fields(depth+2, field.Items, object(each), nil)
			}
		case !there:
			b.line(depth, "# "+name+":")
			b.outline(depth, "  ", field)
		case isObject && field != nil && len(inner) > 0:
			b.line(depth, name+":")
			b.fields(depth+1, field, inner, nil)
			chosen, _ := field.branch(inner)
			b.alternatives(depth+1, "", field, chosen)
		default:
			b.line(depth, name+": "+oneLine(value))
		}
	}
}

// outline explains, in comments, the fields of what the example does not have.
func (b *blockWriter) outline(depth int, indent string, s *schema) {
	if s == nil {
		return
	}
	if s.Items != nil {
		s = s.Items
	}
	for _, name := range sortedKeys(s.Properties) {
		if field := s.Properties[name]; field.fixed() == nil {
			b.comment(depth, indent, name+": "+explainField(field, slices.Contains(s.Required, name), ""))
			b.outline(depth, indent+"  ", field)
		}
	}
	b.alternatives(depth, indent, s, nil)
}

// alternatives explains what the forms of a field hold, but for the chosen one.
func (b *blockWriter) alternatives(depth int, indent string, s, chosen *schema) {
	for _, branch := range s.branches() {
		if branch == chosen || len(branch.Properties) < 2 || s.discriminator == "" {
			continue // its name says it all
		}
		b.comment(depth, indent, fmt.Sprintf("With %s %v:", s.discriminator, branch.Properties[s.discriminator].fixed()))
		b.outline(depth, indent+"  ", branch)
	}
}

// rank puts the discriminator first, then what the example has.
func rank(s *schema, example map[string]any, name string) int {
	_, there := example[name]
	switch {
	case s != nil && name == s.discriminator:
		return 0
	case there:
		return 1
	default:
		return 2
	}
}

// requires reports whether the object must have the field.
func (s *schema) requires(object map[string]any, name string) bool {
	if s == nil {
		return false
	}
	branch, _ := s.branch(object)
	return slices.Contains(s.Required, name) || branch.requires(object, name)
}

// explainField says in one line what a field is.
func explainField(s *schema, required bool, note string) string {
	if s == nil {
		return "known to the connector only"
	}
	var about []string
	for _, name := range s.Types {
		about = append(about, strings.TrimPrefix(strings.TrimPrefix(typeWords(name), "a "), "an "))
	}
	if s.fixed() != nil && s.Title == "" {
		return "Decides which fields there are"
	}
	words := []string{listed(about)}
	if required && note == "" {
		words = append(words, "required")
	}
	if s.Secret {
		words = append(words, "secret")
	}
	if note != "" {
		words = append(words, note)
	}
	words = slices.DeleteFunc(words, func(word string) bool { return word == "" })
	text := s.Title
	if len(words) > 0 {
		text += " (" + strings.Join(words, ", ") + ")"
	}
	if s.Description != "" {
		text += ": " + strings.TrimSuffix(strings.Join(strings.Fields(s.Description), " "), ".")
	}
	if choices := s.allowed(); len(choices) > 0 {
		text += "; one of " + listed(choices)
	}
	return strings.TrimSpace(text)
}

// allowed are the texts that a field, or the discriminator of its alternatives, may hold.
func (s *schema) allowed() []string {
	if choices := s.choices(); len(choices) > 0 {
		return []string{s.discriminator + " " + listed(choices)}
	}
	var names []string
	for _, value := range s.Enum {
		names = append(names, fmt.Sprint(value))
	}
	if s.Const != nil {
		names = append(names, fmt.Sprint(s.Const))
	}
	return names
}

// plainText needs no quotes in YAML, whatever the version.
var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*$`)

// oneLine writes a value on one line of YAML, which takes JSON too.
func oneLine(value any) string {
	if text, ok := value.(string); ok && plainText.MatchString(text) && !spellsOther(text) {
		return text
	}
	encoder := &strings.Builder{}
	writer := json.NewEncoder(encoder)
	writer.SetEscapeHTML(false)
	if err := writer.Encode(value); err != nil {
		return "null"
	}
	return strings.TrimSpace(encoder.String())
}

// spellsOther reports a text that YAML would read as a boolean or null.
func spellsOther(text string) bool {
	_, boolean := Boolean(text)
	return boolean || strings.EqualFold(text, "null")
}

// Markdown documents all connectors, for people.
func (c *Catalog) Markdown() string {
	var b strings.Builder
	b.WriteString("# Connectors\n\nMade from the catalogue; do not edit. Connectors that are not listed work too: by their name, if the Airbyte\nworkspace has them, or by their definitionId. Any can have a [file of your own](#a-file-of-your-own).\n\n")
	for _, profile := range c.Profiles() {
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", profile.Name, profile.Name, profile.Title)
	}
	for _, profile := range c.Profiles() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\nDefinition id `%s`.\n\n```yaml\n%s```\n", profile.Name, profile.Help, profile.DefinitionID, profile.Block())
		profile.table(&b)
		profile.demands(&b)
	}
	b.WriteString(ownFile)
	return b.String()
}

// ownFile tells operators how to write a connector's file.
//
//go:embed own.md
var ownFile string

// demands lists what fields must be beside the platform's values.
func (p *Profile) demands(b *strings.Builder) {
	var told []string
	for _, entry := range p.provided {
		for _, demand := range entry.onlyBeside {
			line := fmt.Sprintf("\nBeside the platform's own `%s`, `%s` may only be: %s.\n", entry.Field, demand.field, demand.expected)
			if !slices.Contains(told, line) { // several entries for one field
				told = append(told, line)
				b.WriteString(line)
			}
		}
	}
}

// table lists every field, alternatives included.
func (p *Profile) table(b *strings.Builder) {
	if p.form() == nil {
		return
	}
	b.WriteString("\n| field | what it is |\n|---|---|\n")
	p.rows(b, "", p.form(), p.notes())
}

func (p *Profile) rows(b *strings.Builder, path string, s *schema, notes map[string]string) {
	for _, name := range sortedKeys(s.Properties) {
		field, at := s.Properties[name], workload.FieldPath(path, name)
		if field.fixed() != nil && path != "" {
			continue // the discriminator: its values are the alternatives' names
		}
		text := explainField(field, slices.Contains(s.Required, name), notes[at])
		fmt.Fprintf(b, "| `%s` | %s |\n", at, strings.ReplaceAll(text, "|", "\\|"))
		p.rows(b, at, field, nil)
		if field.Items != nil {
			p.rows(b, at+"[]", field.Items, nil)
		}
	}
	for _, branch := range s.branches() {
		p.rows(b, fmt.Sprintf("%s (%v)", path, branch.Properties[s.discriminator].fixed()), branch, nil)
	}
}
