package pages

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/workload"
)

const (
	listEvery  = 3 * time.Second
	textEvery  = 10 * time.Second // a search for text may have to read many records
	listReload = 20               // seconds; whoever types without a script must not be disturbed too soon
	maxText    = 200
)

// listPage is the list of operations.
type listPage struct {
	page
	Text          string
	Component     workload.Component
	States, Kinds []choice
	Rows          []row
	Filtered      bool
	Unfinished    bool
	Down          moment // to which a search came that was not finished
	Newest, Older string // links
}

// choice is an option of the form.
type choice struct {
	Value  string
	Chosen bool
}

// row is one operation of the list.
type row struct {
	Token, Title, Product, Domain string
	Kind                          workload.Kind
	Component                     workload.Component
	State                         state
	Accepted                      moment
	Duration                      string
	Attempts                      int
}

// list answers the list, or leads to the operation whose whole token was searched for.
func (p *Pages) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	filter := filterOf(query)
	if operation.Lane(filter.Text) != "" {
		if status, err := p.options.Operations.Status(r.Context(), filter.Text); err == nil {
			redirect(w, "./"+strings.TrimPrefix(Path, "/")+"/"+status.Token)
			return
		}
	}
	from := positionOf(query.Get("before"))
	found, err := p.options.Operations.List(r.Context(), filter, from, p.options.Limit)
	if err != nil {
		p.fail(w, r, err, "./")
		return
	}
	p.answer(w, r, http.StatusOK, "list", p.listView(query, filter, from, found))
}

func filterOf(query url.Values) operation.Filter {
	text := strings.TrimSpace(query.Get("q"))
	if len(text) > maxText {
		text = text[:maxText]
	}
	filter := operation.Filter{Text: text, State: workload.State(query.Get("state")), Kind: workload.Kind(query.Get("kind"))}
	if id := query.Get("component"); id != "" {
		filter.Component = workload.NewComponent(id, query.Get("environment"))
	}
	return filter
}

func (p *Pages) listView(query url.Values, filter operation.Filter, from operation.Position, found operation.Page) listPage {
	now := p.options.Now()
	view := listPage{
		page: p.page("Operations", "./"), Text: filter.Text, Component: filter.Component,
		States: choices(filter.State, workload.Running, workload.Terminating, workload.Completed, workload.Failed, workload.Terminated),
		Kinds:  choices(filter.Kind, workload.Provision, workload.Unprovision, workload.UpdateACL, workload.Validate, workload.Reverse),
		// The zero position is the newest; later pages would slip away from under their reader.
		Filtered: filter != (operation.Filter{}), Unfinished: found.Unfinished,
	}
	if from == (operation.Position{}) {
		view.Every, view.Reload = listEvery, listReload
		if filter.Text != "" {
			view.Every = textEvery
		}
	} else {
		view.Newest = link(query, operation.Position{})
	}
	if found.Next != (operation.Position{}) {
		view.Older, view.Down = link(query, found.Next), ago(found.Next.AcceptedAt, now)
	}
	for _, s := range found.Operations {
		view.Rows = append(view.Rows, row{
			Token: s.Token, Title: title(s), Product: productOf(s.DataProduct), Domain: s.DataProduct.Domain, Kind: s.Kind,
			Component: s.Component, State: stateOf(s), Accepted: ago(s.AcceptedAt, now), Duration: duration(s, now), Attempts: s.Attempts,
		})
	}
	return view
}

func choices[T ~string](chosen T, values ...T) []choice {
	all := make([]choice, len(values))
	for i, value := range values {
		all[i] = choice{string(value), value == chosen}
	}
	return all
}

// link is the list with the same wishes, from another position on.
func link(query url.Values, from operation.Position) string {
	next := url.Values{}
	for _, name := range []string{"q", "state", "kind", "component", "environment"} {
		if value := query.Get(name); value != "" {
			next.Set(name, value)
		}
	}
	if from != (operation.Position{}) {
		next.Set("before", strconv.FormatInt(from.AcceptedAt.UnixMilli(), 10)+"."+from.Token)
	}
	return "./?" + next.Encode()
}

// positionOf is the reverse; what is none is the beginning.
func positionOf(text string) operation.Position {
	at, token, found := strings.Cut(text, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if !found || err != nil || operation.Lane(token) == "" {
		return operation.Position{}
	}
	return operation.Position{AcceptedAt: time.UnixMilli(ms).UTC(), Token: token}
}
