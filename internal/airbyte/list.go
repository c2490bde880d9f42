package airbyte

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

const (
	pageSize = 100
	// serverPageSize is how many entries a server gives that takes no note of pageSize.
	serverPageSize = 20
)

// ListActors lists the live actors of a workspace whose name contains the
// search text, without regard to case; an empty text lists all. It pages as
// far as there are pages, and works with servers that know neither pages nor search.
func (c *Client) ListActors(ctx context.Context, kind ActorKind, workspaceID, search string) ([]Actor, error) {
	found, err := c.pages(ctx, kind, workspaceID, search)
	if errors.Is(err, errCursorGone) {
		found, err = c.pages(ctx, kind, workspaceID, search)
	}
	if err != nil {
		return nil, err
	}
	needle := strings.ToLower(search)
	return slices.DeleteFunc(found, func(a Actor) bool {
		return !strings.Contains(strings.ToLower(a.Name), needle)
	}), nil
}

// errCursorGone tells that the entity which the cursor names was deleted between two pages.
var errCursorGone = errors.New("airbyte: the listing's place was lost")

// pages reads all pages, each entity once. It ends with a page that is not full,
// that holds more than was asked for (the server knows no paging and answered
// everything), or that brings nothing new.
func (c *Client) pages(ctx context.Context, kind ActorKind, workspaceID, search string) ([]Actor, error) {
	found := []Actor{}
	seen := map[string]bool{}
	cursor := ""
	for {
		page, err := c.page(ctx, kind, workspaceID, search, cursor)
		if cursor != "" && NotFound(err) {
			return nil, &Error{
				Operation: kind.path("list"), Status: http.StatusNotFound, Class: ClassConflict, Retryable: true,
				Message: "the list changed while it was read", cause: errCursorGone,
			}
		}
		if err != nil {
			return nil, err
		}
		before := len(found)
		for i := range page {
			if a := page[i].actor(kind); !seen[a.ID] {
				seen[a.ID] = true
				found = append(found, a)
			}
		}
		if len(found) == before || len(page) != pageSize && len(page) != serverPageSize {
			return found, nil
		}
		cursor = page[len(page)-1].actor(kind).ID
	}
}

// page reads the page after the cursor; an empty cursor means the first.
func (c *Client) page(ctx context.Context, kind ActorKind, workspaceID, search, cursor string) ([]wireActor, error) {
	body := map[string]any{"workspaceId": workspaceID, "pageSize": pageSize}
	if term := searchTerm(search); term != "" {
		body["filters"] = map[string]any{"searchTerm": term}
	}
	if cursor != "" {
		body["cursor"] = cursor
	}
	got, err := post[wireActors](ctx, c, kind.path("list"), body)
	return got.of(kind), err
}

// searchTerm is what the server may be asked for so that it answers at least
// what contains the text. It matches by ILIKE, where _ and % stand for
// themselves too, but a backslash does not: so only the longest piece without one is sent.
func searchTerm(search string) string {
	var longest string
	for piece := range strings.SplitSeq(search, `\`) {
		if len(piece) > len(longest) {
			longest = piece
		}
	}
	return longest
}

// wireActors is SourceReadList and DestinationReadList in one.
type wireActors struct {
	Sources      []wireActor `json:"sources"`
	Destinations []wireActor `json:"destinations"`
}

func (w *wireActors) of(kind ActorKind) []wireActor {
	if kind == Source {
		return w.Sources
	}
	return w.Destinations
}

// A missing list must not read as an empty one: it would look like "nothing is there yet".
func (w *wireActors) verify(operation string) error {
	wire := w.of(kindOf(operation))
	if wire == nil {
		return lacks("a list of " + string(kindOf(operation)) + "s")
	}
	for i := range wire {
		if err := wire[i].verify(operation); err != nil {
			return err
		}
	}
	return nil
}
