package descriptor

import (
	"strings"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"

	"gopkg.in/yaml.v3"
)

// dataProduct reads the facts that names and derived values are made from. An
// updateacl needs none of them.
func (p *parser) dataProduct(product *mapping) workload.DataProduct {
	facts := workload.DataProduct{ID: p.optionalText(product, "id", "the data product's id")}
	for _, field := range []struct {
		key, expected string
		value         *string
	}{
		{"name", "the data product's name", &facts.Name},
		{"domain", "the domain that the data product belongs to", &facts.Domain},
		{"version", "the data product's version, such as 1.0.0", &facts.Version},
	} {
		if p.kind == workload.UpdateACL {
			*field.value = p.optionalText(product, field.key, field.expected)
			continue
		}
		*field.value, _ = p.text(product.at(field.key), product.get(field.key), field.expected)
	}
	return facts
}

// environment is part of a component's identity. Nearly all descriptors have
// one; without it the component's entities are those of no environment.
func (p *parser) environment(product *mapping) string {
	environment := p.optionalText(product, "environment", "the environment's name")
	if environment == "" {
		p.warn(product.at("environment"), "is missing; the component is taken to be in no particular environment")
	}
	return environment
}

// component finds the one component with the id, at any depth: Witboost puts
// subcomponents under their component's own components.
func (p *parser) component(product *mapping, id string) *mapping {
	path := product.at("components")
	list := product.get("components")
	if list == nil || list.Kind != yaml.SequenceNode {
		what := "is missing"
		if list != nil {
			what = "is " + describe(list)
		}
		p.problem(path, "%s; expected a list of components", what)
		return nil
	}
	wanted := strings.ToLower(strings.TrimSpace(id))
	var found []*mapping
	var ids []string
	eachComponent(list, path, func(component *mapping) {
		own := componentID(component)
		if own == "" {
			return
		}
		ids = append(ids, own)
		if strings.ToLower(own) == wanted {
			found = append(found, component)
		}
	})
	return p.only(found, id, ids)
}

// only insists that exactly one component was found, and that it is a workload.
func (p *parser) only(found []*mapping, id string, ids []string) *mapping {
	switch len(found) {
	case 1:
	case 0:
		p.problem("componentIdToProvision", "is %q, but no component has that id%s", id, nearest(id, ids))
		return nil
	default:
		p.problem(found[1].at("id"), "is %q, as %s is; expected each id once", id, found[0].at("id"))
		return nil
	}
	component := found[0]
	kind := component.get("kind")
	switch {
	case kind == nil:
		p.problem(component.at("kind"), "is missing; expected workload")
	case kind.Kind != yaml.ScalarNode:
		p.problem(component.at("kind"), "is %s; expected workload", describe(kind))
	case !strings.EqualFold(strings.TrimSpace(kind.Value), "workload"):
		p.problem(component.at("kind"), "is %.60q; expected workload", kind.Value)
	}
	return component
}

// nearest offers the ids that were probably meant.
func nearest(id string, ids []string) string {
	if len(ids) == 0 {
		return "; dataProduct.components is empty"
	}
	near := catalog.Nearest(id, ids)
	if len(near) == 0 {
		return "; expected the id of one of dataProduct.components"
	}
	return "; did you mean " + quoted(near) + "?"
}

// eachComponent visits the components of a list and theirs.
func eachComponent(list *yaml.Node, path string, visit func(*mapping)) {
	walk := componentWalk{visit: visit, aliased: maxVisits}
	walk.list(list, path, 0)
}

// componentWalk goes through components without being led in circles.
type componentWalk struct {
	visit   func(*mapping)
	aliased int // how many more keys may be read through aliases
}

func (w *componentWalk) list(list *yaml.Node, path string, depth int) {
	for i, node := range list.Content {
		if node.Kind == yaml.AliasNode && depth == 0 {
			node = node.Alias
			if w.aliased -= 1 + len(node.Content); w.aliased < 0 {
				continue
			}
		}
		if node.Kind != yaml.MappingNode {
			continue
		}
		component := &mapping{path: item(path, i), node: node}
		w.visit(component)
		if list.Content[i] == node { // an alias's subcomponents are met where the anchor is
			if own := ownValue(node, "components"); own != nil && own.Kind == yaml.SequenceNode {
				w.list(own, component.at("components"), depth+1)
			}
		}
	}
}

// ownValue is the value that a mapping itself writes for a key, aliases not followed.
func ownValue(node *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

func componentID(component *mapping) string {
	node := component.get("id")
	if node == nil || node.Kind != yaml.ScalarNode {
		return ""
	}
	return strings.TrimSpace(node.Value)
}

// componentName is for people only.
func (p *parser) componentName(component *mapping) string {
	node := component.get("name")
	if node == nil || node.Kind != yaml.ScalarNode || hasControl(node.Value) || len(node.Value) > maxTextBytes {
		return ""
	}
	return node.Value
}

// quoted lists names for a message: "a", "b" or "c".
func quoted(names []string) string {
	marked := make([]string, len(names))
	for i, name := range names {
		marked[i] = `"` + name + `"`
	}
	if len(marked) == 1 {
		return marked[0]
	}
	return strings.Join(marked[:len(marked)-1], ", ") + " or " + marked[len(marked)-1]
}
