package catalog

import (
	"regexp"
	"strings"
)

// How a configuration names a value that it does not hold.
const (
	coordinatePrefix = "secret_coordinate::" // Airbyte's own reference; passed on as it is
	sealedPrefix     = "${sealed:"
	mask             = "**********" // what Airbyte shows for a secret
)

// storedSecret are the fields of what Airbyte stores in a secret's place, and reads
// wherever it stands: io.airbyte.config.secrets.SecretsHelpers.
var storedSecret = []string{"_secret", "_secret_reference_id", "_secret_storage_id"}

// secretReference is ${secret:NAME}. A name is one file's name, so it holds no
// slash and does not begin with a dot.
var secretReference = regexp.MustCompile(`\$\{secret:([A-Za-z0-9_][A-Za-z0-9._-]{0,199})\}`)

// looseReference is what begins like a reference, right or wrong.
var looseReference = regexp.MustCompile(`\$\{\s*(?i:secrets?)\s*[:.=][^}]*\}?`)

// isReference reports that the whole text stands for a value kept elsewhere.
func isReference(text string) bool {
	return isCoordinate(text) || isSealed(text) || strings.HasPrefix(text, "${") && secretReference.FindString(text) == text
}

// isCoordinate reports that the text is Airbyte's own reference.
func isCoordinate(text string) bool { return strings.HasPrefix(text, coordinatePrefix) }

// hasReference reports that resolving will change the text.
func hasReference(text string) bool {
	return strings.Contains(text, "${") && (secretReference.MatchString(text) || isSealed(text))
}

func isSealed(text string) bool {
	return strings.HasPrefix(text, sealedPrefix) && strings.HasSuffix(text, "}")
}

// loose reports whether a text holds what begins like a reference.
func loose(text string) bool {
	return strings.Contains(text, "${") && looseReference.MatchString(text) // most texts hold none
}

// malformed returns the references in the text that are not written as they must be.
func malformed(text string) bool {
	if !loose(text) {
		return false
	}
	for _, found := range looseReference.FindAllString(text, -1) {
		if secretReference.FindString(found) != found {
			return true
		}
	}
	return false
}

// besides reports that a text is more than references, and no JSON object.
func besides(text string) bool {
	if !secretReference.MatchString(text) || secretReference.ReplaceAllString(text, "") == "" {
		return false
	}
	_, ok := jsonObject(text)
	return !ok
}

// referring are the paths whose values are known in the worker only.
func referring(configuration map[string]any) []string {
	var paths []string
	walk("", configuration, func(path string, value any) {
		if text, ok := value.(string); ok && (hasReference(text) || isReference(text)) {
			paths = append(paths, path)
		}
	})
	return paths
}
