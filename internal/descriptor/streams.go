package descriptor

import (
	"airbyte-provisioner/internal/workload"

	"gopkg.in/yaml.v3"
)

// streams reads which streams are chosen or excluded; none means all of them.
func (p *parser) streams(block *mapping) []workload.Stream {
	node := block.get("streams")
	if node == nil {
		return nil
	}
	path := block.at("streams")
	if node.Kind != yaml.SequenceNode {
		p.problem(path, "is %s; expected a list of mappings with at least a name", describe(node))
		return nil
	}
	var streams []workload.Stream
	first := map[[2]string]string{}
	for i, child := range node.Content {
		if child = deref(child); isNull(child) || !p.afford(path, child, 0) {
			continue
		}
		at := item(path, i)
		stream, ok := p.stream(at, child)
		if !ok {
			continue
		}
		key := [2]string{stream.Namespace, stream.Name}
		if other, twice := first[key]; twice {
			p.problem(at, "names the stream %q, as %s does; expected each stream once", stream.Name, other)
			continue
		}
		first[key] = at
		streams = append(streams, stream)
	}
	return streams
}

func (p *parser) stream(path string, node *yaml.Node) (workload.Stream, bool) {
	block := p.mapping(path, node, "at least a name")
	if block == nil {
		return workload.Stream{}, false
	}
	p.unknown(block, "name", "namespace", "exclude", "syncMode", "destinationSyncMode", "cursorField", "primaryKey", "selectedFields")
	name, ok := p.text(block.at("name"), block.get("name"), "the stream's name, as the source has it")
	stream := workload.Stream{
		Name:                name,
		Namespace:           p.optionalText(block, "namespace", "the stream's namespace, as the source has it"),
		Exclude:             p.flag(block, "exclude"),
		SyncMode:            p.choice(block, "syncMode", "full_refresh", "incremental"),
		DestinationSyncMode: p.choice(block, "destinationSyncMode", "append", "overwrite", "append_dedup", "overwrite_dedup", "update", "soft_delete"),
		CursorField:         p.names(block, "cursorField", true),
		PrimaryKey:          p.keyPaths(block),
		SelectedFields:      p.names(block, "selectedFields", false),
	}
	if stream.Exclude && len(block.keys()) > 2 && (stream.SyncMode+stream.DestinationSyncMode != "" || stream.CursorField != nil || stream.PrimaryKey != nil || stream.SelectedFields != nil) {
		p.warn(path, "is excluded, so its other settings are ignored")
		stream = workload.Stream{Name: stream.Name, Namespace: stream.Namespace, Exclude: true}
	}
	return stream, ok
}

// names reads an optional list of field names; one alone may stand without a
// list where a single one is usual.
func (p *parser) names(block *mapping, key string, single bool) []string {
	node := block.get(key)
	if node == nil {
		return nil
	}
	if single && node.Kind == yaml.ScalarNode {
		if name, ok := p.text(block.at(key), node, "a field's name"); ok {
			return []string{name}
		}
		return nil
	}
	return p.nameList(block.at(key), node, "a list of field names")
}

func (p *parser) nameList(path string, node *yaml.Node, expected string) []string {
	if node.Kind != yaml.SequenceNode {
		p.problem(path, "is %s; expected %s", describe(node), expected)
		return nil
	}
	var names []string
	for i, child := range node.Content {
		if child = deref(child); isNull(child) || !p.afford(path, child, 0) {
			continue
		}
		if name, ok := p.text(item(path, i), child, "a field's name"); ok {
			names = append(names, name)
		}
	}
	return names
}

// keyPaths reads primaryKey: a list of paths, each a list of field names. A
// plain name in the list is the path of that one field.
func (p *parser) keyPaths(block *mapping) [][]string {
	node := block.get("primaryKey")
	if node == nil {
		return nil
	}
	path := block.at("primaryKey")
	if node.Kind != yaml.SequenceNode {
		p.problem(path, "is %s; expected a list of lists of field names, such as [[id]]", describe(node))
		return nil
	}
	var paths [][]string
	for i, child := range node.Content {
		child = deref(child)
		switch at := item(path, i); {
		case isNull(child) || !p.afford(path, child, 0):
		case child.Kind == yaml.ScalarNode:
			if name, ok := p.text(at, child, "a field's name"); ok {
				paths = append(paths, []string{name})
			}
		default:
			if names := p.nameList(at, child, "a list of field names"); len(names) > 0 {
				paths = append(paths, names)
			}
		}
	}
	return paths
}
