package airbytesim

import (
	"maps"
	"slices"
	"strings"
)

// Tag is a label that connections of a workspace may have.
type Tag struct {
	ID          string `json:"tagId"`
	WorkspaceID string `json:"workspaceId"`
	Name        string `json:"name"`
	Color       string `json:"color"`
}

func createTag(s *Sim, c *call) (any, error) {
	w, err := s.workspace(c.id("workspaceId"))
	if err != nil {
		return nil, err
	}
	for _, t := range s.world.tags {
		if t.WorkspaceID == w.ID && t.Name == c.text("name") {
			return nil, conflict("Tag already exists: " + t.Name)
		}
	}
	t := &Tag{ID: s.newID(), WorkspaceID: w.ID, Name: c.text("name"), Color: c.text("color")}
	s.world.tags[t.ID] = t
	return t, nil
}

func (s *Sim) tag(c *call) (*Tag, error) {
	t, ok := s.world.tags[c.id("tagId")]
	if !ok || t.WorkspaceID != c.id("workspaceId") {
		return nil, notFound("TAG", c.id("tagId"))
	}
	return t, nil
}

func updateTag(s *Sim, c *call) (any, error) {
	t, err := s.tag(c)
	if err != nil {
		return nil, err
	}
	changed := *t
	changed.Name, changed.Color = c.text("name"), c.text("color")
	s.world.tags[t.ID] = &changed
	return &changed, nil
}

func deleteTag(s *Sim, c *call) (any, error) {
	t, err := s.tag(c)
	if err != nil {
		return nil, err
	}
	delete(s.world.tags, t.ID)
	return t, nil
}

func listTags(s *Sim, c *call) (any, error) {
	tags := []*Tag{}
	for _, id := range slices.Sorted(maps.Keys(s.world.tags)) {
		if t := s.world.tags[id]; t.WorkspaceID == c.id("workspaceId") {
			tags = append(tags, t)
		}
	}
	return tags, nil
}

// tagsExist refuses tags that the workspace does not have.
func (s *Sim) tagsExist(value any, workspace string) error {
	list, _ := value.([]any)
	for _, item := range list {
		members, _ := item.(map[string]any)
		id, _ := members["tagId"].(string)
		if t, ok := s.world.tags[strings.ToLower(id)]; !ok || t.WorkspaceID != workspace {
			return opaque("violates foreign key constraint \"connection_tag_tag_id_fkey\"")
		}
	}
	return nil
}
