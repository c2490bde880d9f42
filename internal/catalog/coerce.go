package catalog

import (
	"encoding/json"
	"math/big"
	"regexp"
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
// The value itself is not changed.
func (s *schema) coerce(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if s.wantsJSONText() {
			return jsonText(value)
		}
		return s.coerceObject(value)
	case []any:
		if s.wantsJSONText() {
			return jsonText(value)
		}
		return s.coerceList(value)
	default:
		return s.coerceScalar(value)
	}
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

func (s *schema) coerceObject(object map[string]any) map[string]any {
	result := make(map[string]any, len(object))
	// The discriminator first: it decides what the other fields are.
	chooser := ""
	if s != nil {
		chooser = s.discriminator
	}
	if value, ok := object[chooser]; ok && chooser != "" && value != nil {
		result[chooser] = s.branches()[0].Properties[chooser].coerce(value)
	}
	for name, value := range object {
		if value != nil && (name != chooser || chooser == "") {
			result[name] = s.property(result, name).coerce(value)
		}
	}
	return result
}

func (s *schema) coerceList(list []any) []any {
	var items *schema
	if s != nil {
		items = s.Items
	}
	result := make([]any, 0, len(list))
	for _, value := range list {
		if value != nil {
			result = append(result, items.coerce(value))
		}
	}
	return result
}

func (s *schema) coerceScalar(value any) any {
	if s == nil || s.silent() {
		return value
	}
	switch value := value.(type) {
	case string:
		return s.fromText(value)
	case bool:
		if !s.has("boolean") && s.has("string") {
			return boolText(value)
		}
	default:
		number, ok := asNumber(value)
		if !ok {
			return value
		}
		switch {
		case s.has("number"):
			return number
		case s.has("integer"):
			return wholeNumber(number)
		case s.has("string"):
			return number.String()
		default:
			return number
		}
	}
	return value
}

// fromText turns a text into what the schema wants instead of a text.
func (s *schema) fromText(text string) any {
	if s.has("string") {
		return text
	}
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
