package catalog

import (
	"strings"
)

// Masked returns a copy of a configuration that can be shown to people: a
// reference stays, of a sealed value it is said that it is one, and what else
// is in a field whose name announces a secret, or is a password within a URL, is
// asterisks. A payload holds no secret in the first place (see accept.go); this
// is the second lock on the same door.
func Masked(configuration map[string]any) map[string]any {
	if configuration == nil {
		return nil
	}
	shown := make(map[string]any, len(configuration))
	for name, value := range configuration {
		shown[name] = masked(value, NamesSecret(name))
	}
	return shown
}

const (
	maskedText = "***"
	sealedText = sealedPrefix + "...}"
)

func masked(value any, secret bool) any {
	switch value := value.(type) {
	case map[string]any:
		shown := make(map[string]any, len(value))
		for name, each := range value {
			shown[name] = masked(each, secret || NamesSecret(name))
		}
		return shown
	case []any:
		shown := make([]any, len(value))
		for i, each := range value {
			shown[i] = masked(each, secret)
		}
		return shown
	case string:
		return maskText(value, secret)
	case bool, nil:
		return value
	default:
		if secret {
			return maskedText
		}
		return value
	}
}

func maskText(text string, secret bool) string {
	switch {
	case isSealed(text):
		return sealedText
	case secret && text != "" && !secretIsReferenced(text):
		return maskedText
	case secret && besides(text):
		return onlyReferences(text)
	}
	return userInfo.ReplaceAllStringFunc(text, func(url string) string {
		if !URLPassword(url) {
			return url
		}
		before, _, _ := strings.Cut(url, "://")
		user, _, _ := strings.Cut(url[len(before)+len("://"):], ":")
		return before + "://" + user + ":" + maskedText + "@"
	})
}

// onlyReferences masks what stands between the references of a text.
func onlyReferences(text string) string {
	var shown strings.Builder
	end := 0
	for _, at := range secretReference.FindAllStringIndex(text, -1) {
		if at[0] > end {
			shown.WriteString(maskedText)
		}
		shown.WriteString(text[at[0]:at[1]])
		end = at[1]
	}
	if end < len(text) {
		shown.WriteString(maskedText)
	}
	return shown.String()
}
