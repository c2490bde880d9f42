package catalog

import (
	"encoding/json"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// jsonNumber is what JSON accepts as a number, but for exponents that only an
// attacker writes.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$`)

// Boolean reads the spellings of a boolean that YAML's versions know.
func Boolean(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "y":
		return true, true
	case "false", "no", "off", "n":
		return false, true
	}
	return false, false
}

// coerce gives a value the type that the schema wants where nothing is lost by
// it: a number or boolean becomes its text, a text becomes the number or boolean
// that it spells, an object becomes the JSON text that a field wants. Nulls are
// dropped. What cannot be coerced stays as it is, for the check to refuse.
// The value itself is not changed, but shared with the result as far as that is equal.
func (s *schema) coerce(value any) (result any, changed bool) {
	switch typed := value.(type) {
	case map[string]any:
		if s.wantsJSONText() {
			return jsonText(typed), true
		}
		return s.coerceObject(typed)
	case []any:
		if s.wantsJSONText() {
			return jsonText(typed), true
		}
		return s.coerceList(typed)
	}
	if s == nil || s.silent() {
		return value, false
	}
	return s.coerceScalar(value)
}

func (s *schema) wantsJSONText() bool {
	return s != nil && s.Media == "application/json" && s.has("string") && !s.has("object")
}

// jsonText writes a value as JSON; keys come sorted, so equal values give equal texts.
func jsonText(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return value
	}
	return string(text)
}

func (s *schema) coerceObject(object map[string]any) (result map[string]any, changed bool) {
	result = object
	put := func(name string, value any, differs bool) {
		if value != nil && !differs {
			return
		}
		if !changed {
			result, changed = maps.Clone(object), true
		}
		if result[name] = value; value == nil {
			delete(result, name)
		}
	}
	// The discriminator first: it decides what the other fields are.
	chooser := ""
	if s != nil {
		chooser = s.discriminator
	}
	if value := object[chooser]; chooser != "" && value != nil {
		coerced, differs := s.branches()[0].Properties[chooser].coerce(value)
		put(chooser, coerced, differs)
	}
	for name, value := range object {
		if value == nil || name != chooser || chooser == "" {
			coerced, differs := s.property(result, name).coerce(value)
			put(name, coerced, differs)
		}
	}
	return result, changed
}

func (s *schema) coerceList(list []any) (result []any, changed bool) {
	var items *schema
	if s != nil {
		items = s.Items
	}
	result = list
	for i, value := range list {
		coerced, differs := items.coerce(value)
		if !changed && (differs || value == nil) {
			result, changed = slices.Clone(list[:i]), true
		}
		if changed && value != nil {
			result = append(result, coerced)
		}
	}
	return result, changed
}

func (s *schema) coerceScalar(value any) (result any, changed bool) {
	switch typed := value.(type) {
	case string:
		if s.has("string") {
			return value, false
		}
		result = s.fromText(typed)
	case bool:
		if s.has("boolean") || !s.has("string") {
			return value, false
		}
		result = boolText(typed)
	default:
		number, ok := asNumber(value)
		if !ok {
			return value, false
		}
		result = s.fromNumber(number)
	}
	return result, result != value
}

func (s *schema) fromNumber(number json.Number) any {
	switch {
	case s.has("number"):
		return number
	case s.has("integer"):
		return wholeNumber(number)
	case s.has("string"):
		return number.String()
	}
	return number
}

// fromText turns a text into what the schema wants instead of a text.
func (s *schema) fromText(text string) any {
	if s.has("boolean") {
		if value, ok := Boolean(text); ok {
			return value
		}
	}
	if jsonNumber.MatchString(text) {
		if s.has("number") {
			return json.Number(text)
		}
		if s.has("integer") {
			if whole := wholeNumber(json.Number(text)); isWhole(whole) {
				return whole
			}
		}
	}
	return text
}

// maxDigits keeps 1e999 from being written out.
const maxDigits = 30

// wholeNumber writes a number without fraction or exponent, if it has none in value.
func wholeNumber(number json.Number) json.Number {
	if isWhole(number) {
		return number
	}
	if !jsonNumber.MatchString(number.String()) {
		return number
	}
	value, ok := new(big.Rat).SetString(number.String())
	if !ok || !value.IsInt() || len(value.Num().String()) > maxDigits {
		return number
	}
	return json.Number(value.Num().String())
}

func isWhole(number json.Number) bool { return !strings.ContainsAny(number.String(), ".eE") }

// asNumber reads the numbers that decoders give.
func asNumber(value any) (json.Number, bool) {
	switch value := value.(type) {
	case json.Number:
		return value, true
	case float64, float32, int, int64, int32, uint64, uint:
		text, err := json.Marshal(value)
		return json.Number(text), err == nil
	}
	return "", false
}

func boolText(value bool) string {
	if value {
		return "true"
	}
	return "false"
}
