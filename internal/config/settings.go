package config

import (
	"reflect"
	"slices"
	"strings"
)

// Setting describes one setting, for documentation.
type Setting struct {
	Name    string // of the variable
	YAML    string // path in the file, such as "airbyte.baseUrl"
	Default string // as documentation shows it; "(none)" where there is none
	Meaning string
	Secret  bool // has a NAME_FILE form
}

// setting is a Setting with its place in Config.
type setting struct {
	Setting
	section int // index of the field in Config
	field   string
	kind    reflect.Type
}

// sections are the first words that are a level of their own in the YAML file;
// every other setting is a key at its root.
var sections = []string{"http", "worker", "queue", "redis", "airbyte", "snowflake", "secrets", "catalog", "log", "oidc", "tls"}

// The settings that only the YAML file can hold.
const (
	workspacesName = "AIRBYTE_WORKSPACES"
	allowName      = "SECRETS_ALLOW"
)

// Table lists every setting that has a variable, in the order of Config.
func Table() []Setting {
	var table []Setting
	for _, s := range settings() {
		table = append(table, s.Setting)
	}
	return table
}

// settings reads the tags of Config.
func settings() []setting {
	var all []setting
	config := reflect.TypeFor[Config]()
	for i := range config.NumField() {
		section := config.Field(i).Type
		for j := range section.NumField() {
			field := section.Field(j)
			if name := field.Tag.Get("env"); name != "" {
				all = append(all, setting{
					Setting: Setting{
						Name: name, YAML: yamlPath(name), Default: shownDefault(field.Tag),
						Meaning: field.Tag.Get("doc"), Secret: isSecret(field.Type),
					},
					section: i, field: field.Name, kind: field.Type,
				})
			}
		}
	}
	return all
}

func isSecret(t reflect.Type) bool {
	return t == reflect.TypeFor[Secret]() || t == reflect.TypeFor[[]Secret]()
}

func shownDefault(tag reflect.StructTag) string {
	for _, key := range []string{"shown", "envDefault"} {
		if value := tag.Get(key); value != "" {
			return value
		}
	}
	return "(none)"
}

// yamlPath is how a name is usually written in the file.
func yamlPath(name string) string {
	words := strings.Split(strings.ToLower(name), "_")
	if len(words) > 1 && slices.Contains(sections, words[0]) {
		return words[0] + "." + camel(words[1:])
	}
	return camel(words)
}

func camel(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 && w != "" {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		b.WriteString(w)
	}
	return b.String()
}

// variable is the rule from a YAML key to a name: words in upper case, joined by
// underscores. Words begin at an upper-case letter that follows a lower-case
// one, or that a lower-case one follows (baseURL and baseUrl are the same).
func variable(key string) string {
	var b strings.Builder
	upper := func(i int) bool { return i >= 0 && i < len(key) && key[i] >= 'A' && key[i] <= 'Z' }
	lower := func(i int) bool { return i >= 0 && i < len(key) && !upper(i) && key[i] != '_' }
	for i := range len(key) {
		if i > 0 && upper(i) && (lower(i-1) || upper(i-1) && lower(i+1)) {
			b.WriteByte('_')
		}
		b.WriteByte(key[i])
	}
	return strings.ToUpper(b.String())
}
