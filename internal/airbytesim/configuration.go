package airbytesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// mask is what secrets read back as (trap 5).
const mask = "**********"

// validate checks a configuration against the connector's specification. The
// message of a refusal embeds the whole specification (trap 9).
func (d *definition) validate(configuration map[string]any) error {
	err := d.schema.Validate(configuration)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return opaque("%v", err)
	}
	return unprocessable("the configuration breaks its JSON schema. \nErrors: %s \nSchema: \n%s",
		strings.Join(slices.Compact(complaints(invalid)), ", "), d.pretty)
}

var english = message.NewPrinter(language.English)

// complaints are the innermost causes.
func complaints(e *jsonschema.ValidationError) []string {
	if len(e.Causes) > 0 {
		var all []string
		for _, cause := range e.Causes {
			all = append(all, complaints(cause)...)
		}
		return all
	}
	at := strings.Join(append([]string{"$"}, e.InstanceLocation...), ".")
	if missing, ok := e.ErrorKind.(*kind.Required); ok {
		var all []string
		for _, name := range missing.Missing {
			all = append(all, at+"."+name+": is required, but missing")
		}
		return all
	}
	if constant, ok := e.ErrorKind.(*kind.Const); ok {
		return []string{fmt.Sprintf("%s: must be %v", at, constant.Want)}
	}
	return []string{at + ": " + e.ErrorKind.LocalizedString(english)}
}

// A specification's own alternatives are all looked at when secrets are
// searched, as the server does: what is secret in one of them is secret.
func alternatives(schema map[string]any) []map[string]any {
	all := []map[string]any{schema}
	for _, keyword := range []string{"oneOf", "anyOf", "allOf"} {
		options, _ := schema[keyword].([]any)
		for _, option := range options {
			if o, ok := option.(map[string]any); ok {
				all = append(all, alternatives(o)...)
			}
		}
	}
	return all
}

// under collects what the schemas say of a property.
func under(schemas []map[string]any, property string) []map[string]any {
	var found []map[string]any
	for _, schema := range schemas {
		properties, _ := schema["properties"].(map[string]any)
		if p, ok := properties[property].(map[string]any); ok {
			found = append(found, alternatives(p)...)
		}
	}
	return found
}

func items(schemas []map[string]any) []map[string]any {
	var found []map[string]any
	for _, schema := range schemas {
		if i, ok := schema["items"].(map[string]any); ok {
			found = append(found, alternatives(i)...)
		}
	}
	return found
}

func secret(schemas []map[string]any) bool {
	return slices.ContainsFunc(schemas, func(schema map[string]any) bool {
		s, _ := schema["airbyte_secret"].(bool)
		return s
	})
}

// masked is a copy of the configuration with every secret hidden.
func (d *definition) masked(configuration map[string]any) map[string]any {
	hidden, _ := hide(configuration, alternatives(d.plain)).(map[string]any)
	return hidden
}

func hide(value any, schemas []map[string]any) any {
	if len(schemas) == 0 {
		return value
	}
	if secret(schemas) && value != nil {
		return mask
	}
	switch value := value.(type) {
	case map[string]any:
		hidden := make(map[string]any, len(value))
		for name, member := range value {
			hidden[name] = hide(member, under(schemas, name))
		}
		return hidden
	case []any:
		hidden := make([]any, len(value))
		for i, item := range value {
			hidden[i] = hide(item, items(schemas))
		}
		return hidden
	}
	return value
}

// unmasked is a copy of the wanted configuration in which each masked secret
// is the stored one; a mask without a stored secret stays a mask.
func (d *definition) unmasked(wanted, stored map[string]any) map[string]any {
	filled, _ := restore(wanted, stored, alternatives(d.plain)).(map[string]any)
	return filled
}

func restore(wanted, stored any, schemas []map[string]any) any {
	if len(schemas) == 0 || stored == nil {
		return wanted
	}
	if secret(schemas) && wanted == mask {
		return stored
	}
	switch wanted := wanted.(type) {
	case map[string]any:
		old, _ := stored.(map[string]any)
		filled := make(map[string]any, len(wanted))
		for name, member := range wanted {
			filled[name] = restore(member, old[name], under(schemas, name))
		}
		return filled
	case []any:
		old, _ := stored.([]any)
		filled := make([]any, len(wanted))
		for i, item := range wanted {
			var before any
			if i < len(old) {
				before = old[i]
			}
			filled[i] = restore(item, before, items(schemas))
		}
		return filled
	}
	return wanted
}

// merged lays a partial configuration over the stored one, object by object.
func merged(stored, partial map[string]any) map[string]any {
	result := make(map[string]any, len(stored)+len(partial))
	for name, value := range stored {
		result[name] = value
	}
	for name, value := range partial {
		before, deep := result[name].(map[string]any)
		after, ok := value.(map[string]any)
		if deep && ok {
			result[name] = merged(before, after)
			continue
		}
		result[name] = value
	}
	return result
}

// fingerprint is equal for equal configurations: JSON with sorted keys.
func fingerprint(configuration map[string]any) string {
	raw, err := json.Marshal(configuration)
	if err != nil {
		panic("airbytesim: a configuration cannot be JSON: " + err.Error()) // it came from JSON
	}
	return string(raw)
}
