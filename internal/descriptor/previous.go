package descriptor

import (
	"strings"

	"airbyte-provisioner/internal/workload"

	"github.com/google/uuid"
	"gopkg.in/yaml.v3"
)

// previous reads what this adapter last answered about the component. These
// ids are hints only, so whatever is wrong with them is at most a warning.
func (p *parser) previous(work *workload.Work, latest string) {
	if strings.TrimSpace(latest) == "" {
		return
	}
	const path = "latestEnrichedDescriptor"
	root, err := parseText(latest)
	if err != nil {
		p.warn(path, "is ignored, since it cannot be read: %s", err.Error())
		return
	}
	look := &reader{}
	if !look.inspect(root, nil, 0) || !look.expansion(latest, root) || root.Kind != yaml.MappingNode {
		p.warn(path, "is ignored, since it is no data product descriptor")
		return
	}
	product := &mapping{node: root}
	if inner := product.get("dataProduct"); inner != nil && inner.Kind == yaml.MappingNode {
		product = &mapping{node: inner}
	}
	list := product.get("components")
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	eachComponent(list, "", func(component *mapping) {
		if strings.ToLower(componentID(component)) != work.Component.ID {
			return
		}
		if entities := privateInfo(component); entities != nil {
			work.Previous = entities
		}
	})
}

// privateInfo reads the ids in a component's info.privateInfo; nil if there are none.
func privateInfo(component *mapping) *workload.Entities {
	info := child(child(component, "info"), "privateInfo")
	if info == nil {
		return nil
	}
	entities := workload.Entities{
		WorkspaceID:   identifier(info, "workspaceId"),
		SourceID:      identifier(info, "sourceId"),
		DestinationID: identifier(info, "destinationId"),
		ConnectionID:  identifier(info, "connectionId"),
		Fingerprints:  fingerprints(info),
		Signature:     hint(unwrap(info.get("signature"))),
	}
	if entities.WorkspaceID+entities.SourceID+entities.DestinationID+entities.ConnectionID == "" {
		return nil
	}
	return &entities
}

// maxHints bounds the fingerprints that are taken over.
const maxHints = 20

func fingerprints(info *mapping) map[string]string {
	block := unwrap(info.get("fingerprints"))
	if block == nil || block.Kind != yaml.MappingNode {
		return nil
	}
	all := map[string]string{}
	for i := 0; i+1 < len(block.Content) && len(all) < maxHints; i += 2 {
		name, value := hint(deref(block.Content[i])), hint(deref(block.Content[i+1]))
		if name != "" && value != "" {
			all[name] = value
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// hint is a short text; "" for anything else.
func hint(node *yaml.Node) string {
	if isNull(node) || node.Kind != yaml.ScalarNode || len(node.Value) > maxTextBytes || hasControl(node.Value) {
		return ""
	}
	return node.Value
}

// identifier is a UUID; "" for anything else.
func identifier(info *mapping, key string) string {
	id, err := uuid.Parse(strings.TrimSpace(hint(unwrap(info.get(key)))))
	if err != nil {
		return ""
	}
	return id.String()
}

// unwrap takes a value out of {type, label, value}, as Witboost shows values.
func unwrap(node *yaml.Node) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return node
	}
	if inner := (&mapping{node: node}).get("value"); inner != nil {
		return inner
	}
	return node
}

// child is the mapping under a key; nil if there is none.
func child(m *mapping, key string) *mapping {
	node := m.get(key)
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	return &mapping{path: join(m.path, key), node: node}
}
