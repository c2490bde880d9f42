package reverse

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"
)

// secretFields are the names of the fields that a specification marks as
// secret, in whichever variant of the configuration. The specification needs
// not be valid JSON Schema for that.
func secretFields(specification json.RawMessage) (map[string]bool, error) {
	var root any
	if err := json.Unmarshal(specification, &root); err != nil {
		return nil, err
	}
	s := search{root: root, found: map[string]bool{}, followed: map[[2]string]bool{}}
	s.schema(root, "")
	return s.found, nil
}

type search struct {
	root     any
	found    map[string]bool
	followed map[[2]string]bool // references with the fields that had them: they may lead in circles
}

// schema looks at the schema of a field, and at all that is below it.
func (s *search) schema(value any, field string) {
	switch value := value.(type) {
	case []any:
		for _, each := range value {
			s.schema(each, field)
		}
	case map[string]any:
		if secret, _ := value["airbyte_secret"].(bool); secret {
			s.found[field] = true
		}
		s.reference(value["$ref"], field)
		for key, each := range value {
			if key == "properties" {
				s.properties(each)
			} else {
				s.schema(each, field)
			}
		}
	}
}

func (s *search) properties(value any) {
	properties, _ := value.(map[string]any)
	for name, each := range properties {
		s.schema(each, name)
	}
}

// reference follows a reference within the specification.
func (s *search) reference(target any, field string) {
	text, _ := target.(string)
	path, ok := strings.CutPrefix(text, "#/")
	if !ok || s.followed[[2]string{path, field}] {
		return
	}
	s.followed[[2]string{path, field}] = true
	at := s.root
	for token := range strings.SplitSeq(path, "/") {
		object, _ := at.(map[string]any)
		at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
	}
	s.schema(at, field)
}

// hiding replaces the secrets of configurations, one actor's after the other's.
type hiding struct {
	// known are the place-holders of now, by path.
	known map[string]string
	// names collects the names of all place-holders.
	names []string

	secret map[string]bool // by the name of the actor's field
	prefix string          // begins the names of the actor's new place-holders
}

// actor is an actor's configuration with place-holders for its secrets.
func (h *hiding) actor(actor airbyte.Actor, specification airbyte.Specification) (map[string]any, error) {
	fields, err := secretFields(specification.Schema)
	if err != nil {
		return nil, (&workload.Failure{
			Code: workload.CodeRefused, Phase: workload.PhaseObserve,
			Message:   fmt.Sprintf("The specification of the %s's connector cannot be understood, so its secrets cannot be told from the rest; nothing is answered.", actor.Kind),
			Solutions: []string{"Ask the operators of the Airbyte provisioner to look at this connector's version in Airbyte."},
		}).Because(err)
	}
	h.secret, h.prefix = fields, cut(cmp.Or(constant(plain(actor.Name)), constant(string(actor.Kind))), 60)
	return h.object(configurationPath(string(actor.Kind)), actor.Configuration, false), nil
}

// object is an object with place-holders for all secrets, and without nulls.
func (h *hiding) object(path string, value map[string]any, secret bool) map[string]any {
	result := make(map[string]any, len(value))
	for _, name := range sortedKeys(value) {
		if value[name] != nil {
			result[name] = h.hide(path+"."+name, value[name], secret || h.secret[name] || catalog.NamesSecret(name))
		}
	}
	return result
}

// hide is a value with place-holders for all secrets.
func (h *hiding) hide(path string, value any, secret bool) any {
	switch value := value.(type) {
	case map[string]any:
		return h.object(path, value, secret)
	case []any:
		result := make([]any, 0, len(value))
		for i, item := range value {
			result = append(result, h.hide(fmt.Sprintf("%s[%d]", path, i), item, secret))
		}
		return result
	case string:
		if value != "" && (secret || airbyte.IsMask(value) || reveals(value)) {
			return h.placeholder(path)
		}
	case bool, nil:
	default:
		if secret {
			return h.placeholder(path)
		}
	}
	return value
}

// placeholder is the reference to the secret at a path.
func (h *hiding) placeholder(path string) string {
	text := h.known[path]
	if text == "" {
		_, field, _ := strings.Cut(path, ".connectionConfiguration.")
		text = h.unused(strings.TrimRight(h.prefix+"_"+cut(constant(field), 120), "_"))
	}
	name := strings.TrimSuffix(strings.TrimPrefix(text, "${secret:"), "}")
	if !slices.Contains(h.names, name) {
		h.names = append(h.names, name)
	}
	return text
}

// unused is the place-holder with a name that no other secret has: source and
// destination may be called alike, and so may fields.
func (h *hiding) unused(name string) string {
	for n, numbered := 2, name; ; n++ {
		text := "${secret:" + numbered + "}"
		if !slices.Contains(h.names, numbered) && !slices.Contains(slices.Collect(maps.Values(h.known)), text) {
			return text
		}
		numbered = fmt.Sprintf("%s_%d", name, n)
	}
}

// constant writes a text as the name of a constant: ORDERS_DATABASE.
func constant(text string) string {
	return strings.Trim(others.ReplaceAllString(strings.ToUpper(text), "_"), "_")
}

var others = regexp.MustCompile(`[^A-Z0-9]+`)

func cut(text string, most int) string { return text[:min(len(text), most)] }

// parameter is one name=value of a list or a URL.
var parameter = regexp.MustCompile(`(?:^|[?&;,\s])([^=?&;,\s]+)=[^&;,\s]`)

// reveals reports whether a text holds a secret within other things.
func reveals(text string) bool {
	if catalog.URLPassword(text) {
		return true
	}
	for _, match := range parameter.FindAllStringSubmatch(text, -1) {
		if catalog.NamesSecret(match[1]) {
			return true
		}
	}
	if trimmed := strings.TrimSpace(text); !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		return false
	}
	var document any
	return json.Unmarshal([]byte(text), &document) == nil && holdsSecret(document)
}

// holdsSecret reports whether a JSON document has a text under a secret's name.
func holdsSecret(document any) bool {
	switch document := document.(type) {
	case map[string]any:
		for name, value := range document {
			if text, ok := value.(string); ok && text != "" && (catalog.NamesSecret(name) || reveals(text)) || holdsSecret(value) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(document, holdsSecret)
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
