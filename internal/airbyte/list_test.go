package airbyte_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"

	gocmp "github.com/google/go-cmp/cmp"
)

// listRequest is what a listing may ask for.
type listRequest struct {
	WorkspaceID string `json:"workspaceId"`
	PageSize    int    `json:"pageSize"`
	Cursor      string `json:"cursor"`
	Filters     struct {
		SearchTerm string `json:"searchTerm"`
	} `json:"filters"`
}

type listed struct {
	ID         string `json:"sourceId"`
	Name       string `json:"name"`
	Definition string `json:"sourceDefinitionId"`
}

// actors is the page that a request asks for out of n sources with sorted names.
func actors(t *testing.T, r *http.Request, n int) []listed {
	t.Helper()
	var request listRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		t.Error(err)
	}
	page, _ := paging(entities(n), request, request.PageSize)
	return page
}

func entities(n int) []listed {
	all := make([]listed, n)
	for i := range all {
		all[i] = listed{ID: fmt.Sprintf("id-%05d", i), Name: fmt.Sprintf("source %05d", i), Definition: definitionID}
	}
	return all
}

// paging is the page after the request's cursor; false says that the cursor is unknown.
func paging(all []listed, request listRequest, size int) ([]listed, bool) {
	from := 0
	if request.Cursor != "" {
		at := slices.IndexFunc(all, func(l listed) bool { return l.ID == request.Cursor })
		if at < 0 {
			return nil, false
		}
		from = at + 1
	}
	return all[from:min(from+size, len(all))], true
}

// matching is what an ILIKE search leaves, with its wildcards and its escapes.
func matching(all []listed, term string) []listed {
	out := []listed{}
	for _, l := range all {
		if ilike("%"+strings.ToLower(term)+"%", strings.ToLower(l.Name)) {
			out = append(out, l)
		}
	}
	return out
}

func ilike(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '%':
		return ilike(pattern[1:], s) || s != "" && ilike(pattern, s[1:])
	case s == "":
		return false
	case pattern[0] == '_':
		return ilike(pattern[1:], s[1:])
	case pattern[0] == '\\' && len(pattern) > 1:
		return pattern[1] == s[0] && ilike(pattern[2:], s[1:])
	}
	return pattern[0] == s[0] && ilike(pattern[1:], s[1:])
}

func TestListActorsPages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		reason string
		total  int
		server func(all []listed, request listRequest) []listed
		calls  int
	}{
		{"nothing there", 0, honest, 1},
		{"less than a page", 99, honest, 1},
		{"a full page may not be the last", 100, honest, 2},
		{"several pages", 250, honest, 3},
		{"exactly the server's own page size may mean that it ignores ours", 20, honest, 2},
		{"many", 5000, honest, 51},
		{"a server that ignores paging, few", 50, everything, 1},
		{"a server that ignores paging, exactly a page", 100, everything, 2},
		{"a server that ignores paging, many", 5000, everything, 1},
		{"a server that knows cursors but not pageSize", 70, func(all []listed, r listRequest) []listed {
			page, _ := paging(all, r, 20)
			return page
		}, 4},
		{"a server that repeats its first page", 250, func(all []listed, _ listRequest) []listed { return all[:100] }, 2},
		{"a server whose pages overlap", 180, func(all []listed, r listRequest) []listed {
			if r.Cursor == "" {
				return all[:100]
			}
			return all[90:180]
		}, 2},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			calls := 0
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				var request listRequest
				if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
					t.Error(err)
				}
				if request.WorkspaceID != workspaceID || request.PageSize != 100 {
					t.Errorf("asked %+v", request)
				}
				_ = json.NewEncoder(w).Encode(map[string]any{"sources": test.server(entities(test.total), request)})
			})
			got, err := client.ListActors(t.Context(), airbyte.Source, workspaceID, "")
			if err != nil {
				t.Fatal(err)
			}
			want := test.total
			if strings.Contains(test.reason, "repeats") {
				want = 100
			}
			ids := map[string]bool{}
			for _, a := range got {
				ids[a.ID] = true
			}
			if len(got) != want || len(ids) != want || calls != test.calls {
				t.Errorf("%d actors, %d ids, %d calls; want %d in %d calls", len(got), len(ids), calls, want, test.calls)
			}
		})
	}
}

func honest(all []listed, request listRequest) []listed {
	page, _ := paging(all, request, request.PageSize)
	return page
}

func everything(all []listed, _ listRequest) []listed { return all }

func TestListActorsSearches(t *testing.T) {
	t.Parallel()
	names := []string{
		"Orders [wb-00c0ffee]", "orders [WB-00C0FFEE] copy", "a_b", "axb", "100% sure", "100 sure", `back\slash`, "backslash", "Ünï",
	}
	for _, test := range []struct {
		reason, search string
		want           []string
	}{
		{"nothing lists all", "", names},
		{"a part, without regard to case", "[wb-00c0ffee]", names[:2]},
		{"an underscore is no wildcard", "a_b", []string{"a_b"}},
		{"a percent sign is no wildcard", "100%", []string{"100% sure"}},
		{"a backslash does not escape", `k\s`, []string{`back\slash`}},
		{"only a backslash", `\`, []string{`back\slash`}},
		{"beyond ASCII", "ünï", []string{"Ünï"}},
		{"no match", "nobody", nil},
	} {
		for _, server := range []struct {
			sort  string
			match func(all []listed, term string) []listed
		}{
			{"ILIKE", matching},
			{"ignoring the search", func(all []listed, _ string) []listed { return all }},
			{"plain substring", func(all []listed, term string) []listed {
				return slices.DeleteFunc(slices.Clone(all), func(l listed) bool {
					return !strings.Contains(strings.ToLower(l.Name), strings.ToLower(term))
				})
			}},
		} {
			t.Run(test.reason+", server with "+server.sort, func(t *testing.T) {
				t.Parallel()
				var all []listed
				for i, name := range names {
					all = append(all, listed{ID: fmt.Sprint("id-", i), Name: name, Definition: definitionID})
				}
				client := serve(t, func(w http.ResponseWriter, r *http.Request) {
					var request listRequest
					_ = json.NewDecoder(r.Body).Decode(&request)
					_ = json.NewEncoder(w).Encode(map[string]any{"sources": server.match(all, request.Filters.SearchTerm)})
				})
				found, err := client.ListActors(t.Context(), airbyte.Source, workspaceID, test.search)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, a := range found {
					got = append(got, a.Name)
				}
				slices.SortFunc(got, func(a, b string) int { return cmp.Compare(slices.Index(names, a), slices.Index(names, b)) })
				if diff := gocmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestListActorsWhenTheCursorVanishes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		reason   string
		vanishes int // how many times the page after the first is a 404
		calls    int
		found    int
	}{
		{"once: the listing starts anew", 1, 4, 149},
		{"again and again: a retryable error", 100, 4, -1},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			calls, left, all := 0, test.vanishes, entities(150)
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				var request listRequest
				_ = json.NewDecoder(r.Body).Decode(&request)
				if request.Cursor != "" && left > 0 {
					left--
					all = slices.DeleteFunc(all, func(l listed) bool { return l.ID == request.Cursor })
				}
				page, ok := paging(all, request, request.PageSize)
				if !ok {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				_ = json.NewEncoder(w).Encode(map[string]any{"sources": page})
			})
			got, err := client.ListActors(t.Context(), airbyte.Source, workspaceID, "")
			if calls != test.calls {
				t.Errorf("%d calls, want %d", calls, test.calls)
			}
			if test.found < 0 {
				if e := asError(t, err); !e.Retryable || airbyte.NotFound(err) {
					t.Errorf("got %+v", e)
				}
				return
			}
			if err != nil || len(got) != test.found {
				t.Errorf("got %d, %v; want %d", len(got), err, test.found)
			}
		})
	}
}

func TestListActorsOfAnUnknownWorkspace(t *testing.T) {
	t.Parallel()
	calls := 0
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusNotFound)
	})
	_, err := client.ListActors(t.Context(), airbyte.Destination, workspaceID, "")
	if !airbyte.NotFound(err) || calls != 1 {
		t.Errorf("got %v after %d calls, want a 404 after 1", err, calls)
	}
}
