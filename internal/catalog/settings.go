package catalog

import (
	"regexp"
	"strings"
)

// The settings whose values a connector's file may ask for with
// ${setting:NAME}, named as operators know them. NAME? may be unset; without the
// mark the whole entry is left out when the setting is.
var settingNames = []string{
	"SNOWFLAKE_HOST", "SNOWFLAKE_USER", "SNOWFLAKE_PASSWORD", "SNOWFLAKE_PRIVATE_KEY", "SNOWFLAKE_PRIVATE_KEY_PASSWORD",
	"SNOWFLAKE_ROLE", "SNOWFLAKE_WAREHOUSE",
}

// SettingNames are the settings that connectors may take values from.
func SettingNames() []string { return append([]string(nil), settingNames...) }

var settingReference = regexp.MustCompile(`^\$\{setting:([A-Za-z0-9_]+)(\?)?\}$`)

// unknownSetting is the first setting in a value that there is not; "" if none.
func unknownSetting(value any) (unknown string) {
	walk("", value, func(_ string, value any) {
		text, _ := value.(string)
		if match := settingReference.FindStringSubmatch(text); match != nil && unknown == "" && !containsText(settingNames, match[1]) {
			unknown = match[1]
		}
	})
	return unknown
}

// fill replaces the settings in a value. It reports the names of required
// settings that are not set; the value is then of no use.
func fill(value any, settings map[string]string) (filled any, unset []string) {
	filled = rewrite("", value, func(_ string, value any) any {
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

// withoutNulls drops nulls, in objects and lists.
func withoutNulls(value any) any { return (*schema)(nil).coerce(value) }

func containsText(list []string, text string) bool {
	for _, each := range list {
		if strings.EqualFold(each, text) {
			return each == text
		}
	}
	return false
}
