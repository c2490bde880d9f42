package config

import (
	"fmt"
	"path"
	"slices"

	"gopkg.in/yaml.v3"
)

// Rule allows secrets to data products: a secret whose name matches one of
// Secrets, used by a data product of one of Domains that is one of DataProducts.
// An empty list of the latter two means any. All are patterns as path.Match has
// them; who resolves secrets applies them.
type Rule struct {
	Secrets      []string
	Domains      []string
	DataProducts []string
}

// readRule reads one rule of secrets.allow. Each part may be a list or a single text.
func readRule(node *yaml.Node) (rule Rule, problem string) {
	if node.Kind != yaml.MappingNode {
		return Rule{}, "must be a mapping with secrets, domains, dataProducts"
	}
	parts := map[string]*[]string{"secrets": &rule.Secrets, "domains": &rule.Domains, "dataProducts": &rule.DataProducts}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i].Value, target(node.Content[i+1])
		part, ok := parts[key]
		if !ok {
			return Rule{}, fmt.Sprintf("has the unknown key %q; it may have secrets, domains and dataProducts", key)
		}
		if value.Kind == yaml.ScalarNode && !isNull(value) {
			*part = []string{value.Value}
			continue
		}
		// An emptied list must not turn into "any".
		if value.Kind != yaml.SequenceNode || value.Decode(part) != nil || len(*part) == 0 {
			return Rule{}, key + " must be a text or a list of texts that is not empty"
		}
	}
	if len(rule.Secrets) == 0 {
		return Rule{}, "names no secrets"
	}
	for _, pattern := range slices.Concat(rule.Secrets, rule.Domains, rule.DataProducts) {
		if _, err := path.Match(pattern, ""); err != nil {
			return Rule{}, fmt.Sprintf("has %q, which is no valid pattern", pattern)
		}
	}
	return rule, ""
}
