package catalog

import (
	"fmt"
	"regexp"
	"strings"

	"airbyte-provisioner/internal/workload"
)

// secretWords are in the names of fields that hold secrets, for connectors whose
// specification is not at hand. Names are compared without case, dashes and
// underscores.
var secretWords = []string{
	"password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "privatekey", "sshkey", "accesskey", "sharedkey",
	"accountkey", "clientkey", "encryptionkey", "signingkey", "masterkey", "credentialsjson", "serviceaccountjson", "serviceaccountkey",
	"serviceaccountinfo", "keyfile", "signature", "connectionstring", "bearer", "jwt",
	"applicationkey", "consumerkey", "customerkey", "subscriptionkey", "licensekey", "openaikey", "coherekey", "pineconekey",
	"authkey", "authhash", "authheader",
}

// publicWords end names that look like a secret's and are none.
var publicWords = []string{
	"accesskeyid", "secretname", "secretid", "tokenurl", "tokenuri", "tokenendpoint", "tokentype", "tokenrefreshendpoint", "tokenexpirydate", "tokenmethod", "secretarn", "passwordauth",
	"pagetoken", "signatureversion", "signaturemethod",
}

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// NamesSecret reports whether a field's name says that it holds a secret.
func NamesSecret(name string) bool {
	plain := separators.Replace(strings.ToLower(name))
	for _, word := range publicWords {
		if strings.HasSuffix(plain, word) {
			return false
		}
	}
	for _, word := range secretWords {
		if strings.Contains(plain, word) {
			return true
		}
	}
	return plain == "sig" || plain == "pwd" || plain == "pass" || strings.HasSuffix(plain, "authorization")
}

// userInfo is a password in a URL. A text after :// that is no reference is taken
// for one.
var userInfo = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:([^/\s@]+)@`)

// URLPassword reports whether a text holds a URL with a literal password.
func URLPassword(text string) bool {
	if !strings.Contains(text, "@") {
		return false // sooner than the expression tells; nearly all texts are such
	}
	for _, match := range userInfo.FindAllStringSubmatch(text, -1) {
		if !secretReference.MatchString(match[1]) {
			return true
		}
	}
	return false
}

// literals visits each literal value that is a secret: in a field that the
// schema marks, in one that the schema does not know and whose name says so, or
// as a password within a URL.
func (s *schema) literals(path string, value any, secret bool, visit func(path, text string)) {
	secret = secret || s != nil && s.Secret
	switch value := value.(type) {
	case map[string]any:
		for _, name := range sortedKeys(value) {
			field := s.property(value, name)
			field.literals(workload.FieldPath(path, name), value[name], secret || field == nil && NamesSecret(name) || s.marks(name), visit)
		}
	case []any:
		for i, each := range value {
			var items *schema
			if s != nil {
				items = s.Items
			}
			items.literals(item(path, i), each, secret, visit)
		}
	case string:
		if value != "" && (secret && !secretIsReferenced(value) || URLPassword(value)) {
			visit(path, value)
		}
	case bool, nil:
	default:
		if secret {
			visit(path, fmt.Sprint(value))
		}
	}
}

// secretIsReferenced reports that a secret field's text leaves the secret to a
// reference: a part of it does, or every secret in it where it is a JSON object,
// such as a service account's key file.
func secretIsReferenced(text string) bool {
	if isReference(text) {
		return true
	}
	if !secretReference.MatchString(text) {
		return false
	}
	referenced := true
	if file, ok := jsonObject(text); ok {
		(*schema)(nil).literals("", file, false, func(string, string) { referenced = false })
	}
	return referenced
}

// unknownTexts visits each text in a field that the schema does not know, unless
// it stands for a value kept elsewhere.
func (s *schema) unknownTexts(path string, value any, visit func(path string)) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range sortedKeys(value) {
			s.property(value, name).unknownTexts(workload.FieldPath(path, name), value[name], visit)
		}
	case []any:
		var items *schema
		if s != nil {
			items = s.Items
		}
		for i, each := range value {
			items.unknownTexts(item(path, i), each, visit)
		}
	case string:
		if s == nil && value != "" && !isReference(value) {
			visit(path)
		}
	}
}

// jsonObject decodes a text that is a JSON object.
func jsonObject(text string) (map[string]any, bool) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return nil, false
	}
	value, err := decodeJSON([]byte(text))
	fields, ok := value.(map[string]any)
	return fields, ok && err == nil
}

// literalProblem says what to do about a literal secret, never its value.
func literalProblem(path, text string) workload.Problem {
	message := "holds a secret in clear text; expected a reference such as ${secret:" + suggestedName(path) + "}"
	switch {
	case text == mask:
		message = "holds the mask that Airbyte shows instead of a secret; expected a reference such as ${secret:" + suggestedName(path) + "}"
	case URLPassword(text):
		message = "holds a password within a URL; expected a reference in its place, such as https://user:${secret:NAME}@host"
	}
	return workload.Problem{Path: path, Message: message}
}

// withoutKey adds to a problem why even allowed literals are refused.
func withoutKey(problem workload.Problem) workload.Problem {
	problem.Message += " (literal secrets are allowed here, but the platform has no key to seal them with)"
	return problem
}

// suggestedName makes a secret's name from the last key of a path.
func suggestedName(path string) string {
	name := path[strings.LastIndexByte(path, '.')+1:]
	name, _, _ = strings.Cut(name, "[")
	name = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
			return c
		}
		return '_'
	}, name)
	if name == "" || len(name) > 60 {
		return "NAME"
	}
	return strings.ToUpper(name)
}

// secretPaths visits the path of each text that the schema marks as a secret.
func (s *schema) secretPaths(path string, value any, secret bool, visit func(path, text string)) {
	secret = secret || s != nil && s.Secret
	switch value := value.(type) {
	case map[string]any:
		for _, name := range sortedKeys(value) {
			s.property(value, name).secretPaths(workload.FieldPath(path, name), value[name], secret || s.marks(name), visit)
		}
	case []any:
		var items *schema
		if s != nil {
			items = s.Items
		}
		for i, each := range value {
			items.secretPaths(item(path, i), each, secret, visit)
		}
	case string:
		if secret {
			visit(path, value)
		}
	}
}
