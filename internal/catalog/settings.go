package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The settings whose values a connector's file may ask for with
// ${setting:NAME}, named as operators know them. NAME? may be unset; without the
// mark the whole entry is left out when the setting is.
var settingNames = []string{
	"SNOWFLAKE_HOST", "SNOWFLAKE_USER", "SNOWFLAKE_PASSWORD", "SNOWFLAKE_PRIVATE_KEY", "SNOWFLAKE_PRIVATE_KEY_PASSWORD",
	"SNOWFLAKE_ROLE", "SNOWFLAKE_WAREHOUSE",
}

var settingReference = regexp.MustCompile(`^\$\{setting:([A-Za-z0-9_]+)(\?)?\}$`)

// wrongReference says what is wrong with the references to settings and secrets in
// a field's value of the operator's; "" if nothing.
func wrongReference(field string, value any) (reason string) {
	walk(field, value, func(path string, value any) {
		text, _ := value.(string)
		match := settingReference.FindStringSubmatch(text)
		switch {
		case reason != "":
		case match != nil && !slices.Contains(settingNames, match[1]):
			reason = fmt.Sprintf("there is no setting %q; known are %s", match[1], strings.Join(settingNames, ", "))
		case match == nil && holdsSetting(text):
			reason = path + ": holds a setting within a text; expected ${setting:NAME} alone"
		case malformed(text):
			reason = path + ": holds a reference that is not well-formed; expected ${secret:NAME}"
		}
	})
	return reason
}

// holdsSetting reports whether a value holds what begins like a setting.
func holdsSetting(value any) (holds bool) {
	walk("", value, func(_ string, value any) {
		text, _ := value.(string)
		holds = holds || strings.Contains(text, "${setting")
	})
	return holds
}

// fill puts the settings into the values that the platform gives.
func (p *Profile) fill(settings map[string]string) {
	for i := range p.provided {
		entry := &p.provided[i]
		entry.filled, entry.unset = fill(entry.Value, settings)
	}
}

// fill replaces the settings in a value. It reports the names of required
// settings that are not set; the value is then of no use.
func fill(value any, settings map[string]string) (filled any, unset []string) {
	filled = rewrite("", withoutNulls(value), func(_ string, value any) any {
		text, _ := value.(string)
		match := settingReference.FindStringSubmatch(text)
		if match == nil {
			return value
		}
		if set := settings[match[1]]; set != "" {
			return set
		}
		if match[2] == "" {
			unset = append(unset, match[1])
		}
		return nil
	})
	return withoutNulls(filled), unset
}
