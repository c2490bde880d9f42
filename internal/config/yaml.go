package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// document is what a YAML file says, by setting name.
type document struct {
	file       string
	values     map[string]string
	workspaces map[string]string
	allow      []Rule
	known      map[string]setting // by name and, for secrets, by NAME_FILE
	report     *report
}

// readDocument reads a YAML file's settings and reports every key that is none.
func readDocument(file string, raw []byte, r *report) document {
	d := document{file: file, values: map[string]string{}, known: map[string]setting{}, report: r}
	for _, s := range settings() {
		d.known[s.Name] = s
		if s.Secret {
			d.known[s.Name+fileSuffix] = setting{Setting: Setting{Name: s.Name + fileSuffix}, kind: reflect.TypeFor[string]()}
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	var root yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		return d // empty
	case err != nil:
		r.add(file, "is not YAML: %s", notYAML(err))
		return d
	}
	if !errors.Is(decoder.Decode(new(yaml.Node)), io.EOF) {
		r.add(file, "must hold one YAML document only")
	}
	d.walk(root.Content[0], nil)
	return d
}

// notYAML is why a file cannot be parsed. An unknown anchor is not named: it may
// be a password that begins with * and lacks its quotes.
func notYAML(err error) string {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.HasPrefix(message, "unknown anchor") {
		return "an alias (*name) has no anchor; a text that begins with * needs quotes"
	}
	return message
}

// walk takes the settings out of a mapping whose keys' path is given.
func (d *document) walk(node *yaml.Node, path []string) {
	node = target(node)
	if node.Kind != yaml.MappingNode {
		if !isNull(node) {
			d.report.add(d.place(path, node), "must be a mapping of settings")
		}
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		d.entry(append(path[:len(path):len(path)], node.Content[i].Value), target(node.Content[i+1]))
	}
}

// entry takes one key: a setting, a level above settings, or a mistake.
func (d *document) entry(path []string, node *yaml.Node) {
	name := nameOf(path)
	s, known := d.known[name]
	switch {
	case isNull(node):
		if !known && !d.level(name) && name != workspacesName && name != allowName {
			d.unknown(path, node)
		}
	case name == workspacesName:
		d.readWorkspaces(path, node)
	case name == allowName:
		d.readAllow(path, node)
	case known:
		d.set(s, path, node)
	case d.level(name) && node.Kind == yaml.MappingNode:
		d.walk(node, path)
	case d.level(name):
		d.report.add(d.place(path, node), "must be a mapping of settings")
	default:
		d.unknown(path, node)
	}
}

// level reports whether settings may lie below a key.
func (d *document) level(name string) bool {
	for known := range d.known {
		if strings.HasPrefix(known, name+"_") {
			return true
		}
	}
	return false
}

func nameOf(path []string) string {
	words := make([]string, len(path))
	for i, key := range path {
		words[i] = variable(key)
	}
	return strings.Join(words, "_")
}

// place names a key for people, with its line.
func (d *document) place(path []string, node *yaml.Node) string {
	if len(path) == 0 {
		return d.file
	}
	return fmt.Sprintf("%s in %s, line %d", strings.Join(path, "."), d.file, node.Line)
}

func (d *document) unknown(path []string, node *yaml.Node) {
	candidates := []string{yamlPath(workspacesName), yamlPath(allowName)}
	for name := range d.known {
		candidates = append(candidates, yamlPath(name))
	}
	d.report.add(d.place(path, node), "is no setting; the nearest is %s", nearest(strings.Join(path, "."), candidates))
}

// set takes the value of a setting.
func (d *document) set(s setting, path []string, node *yaml.Node) {
	d.report.origin[s.Name] = d.place(path, node)
	if _, twice := d.values[s.Name]; twice {
		d.report.add(s.Name, "is there twice")
		return
	}
	value, problem := flat(s, node)
	if problem != "" {
		d.report.add(s.Name, "%s", problem)
		return
	}
	d.values[s.Name] = value
}

// flat renders a value as its variable would hold it.
func flat(s setting, node *yaml.Node) (value, problem string) {
	lists := s.kind != nil && (s.kind.Kind() == reflect.Slice || s.kind.Kind() == reflect.Map)
	switch {
	case isTagged(node):
		return "", "has a YAML tag; a text that begins with ! needs quotes"
	case node.Kind == yaml.ScalarNode:
		return node.Value, ""
	case node.Kind == yaml.SequenceNode && lists:
		items, ok := scalars(node)
		if !ok {
			return "", "must be a list of single values without commas"
		}
		return strings.Join(items, ","), ""
	case node.Kind == yaml.MappingNode && s.kind == reflect.TypeFor[Weights]():
		items, ok := scalars(node)
		if !ok {
			return "", "must map names to weights"
		}
		var pairs []string
		for i := 0; i+1 < len(items); i += 2 {
			pairs = append(pairs, items[i]+":"+items[i+1])
		}
		return strings.Join(pairs, ","), ""
	}
	return "", "must be a single value"
}

// scalars are the contents of a node, if all are single values that a comma-separated list can hold.
func scalars(node *yaml.Node) ([]string, bool) {
	var items []string
	for _, item := range node.Content {
		item = target(item)
		if item.Kind != yaml.ScalarNode || isNull(item) || isTagged(item) || strings.ContainsAny(item.Value, ",\n") {
			return nil, false
		}
		items = append(items, item.Value)
	}
	return items, true
}

func (d *document) readWorkspaces(path []string, node *yaml.Node) {
	d.report.origin[workspacesName] = d.place(path, node)
	if node.Kind != yaml.MappingNode || node.Decode(&d.workspaces) != nil {
		d.report.add(workspacesName, "must map environments to workspace ids")
	}
}

func (d *document) readAllow(path []string, node *yaml.Node) {
	d.report.origin[allowName] = d.place(path, node)
	d.allow = []Rule{}
	if node.Kind != yaml.SequenceNode {
		d.report.add(allowName, "must be a list of rules")
		return
	}
	for i, item := range node.Content {
		rule, problem := readRule(target(item))
		if problem != "" {
			d.report.add(allowName, "rule %d (line %d) %s", i+1, item.Line, problem)
			continue
		}
		d.allow = append(d.allow, rule)
	}
}

// target follows an alias.
func target(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// isTagged reports a tag that is none of YAML's own, which would take the place
// of a text without quotes.
func isTagged(node *yaml.Node) bool { return !strings.HasPrefix(node.Tag, "!!") }

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }
