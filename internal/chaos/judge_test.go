package chaos

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"
)

// visit is one call to Airbyte that an attempt made.
type visit struct {
	airbytesim.Call
	component string
	number    int    // of the request
	attempt   string // token, number and process
}

// visitsOf are the calls that attempts made, by component, in the order of arrival.
func visitsOf(calls []airbytesim.Call) map[string][]visit {
	visits := map[string][]visit{}
	for _, call := range calls {
		v := visit{Call: call, attempt: call.Header.Get("Attempt") + " of " + call.Header.Get(processHeader)}
		trace, number, found := strings.Cut(call.Header.Get("Traceid"), "-")
		if !found || call.Operation == "applications/token" {
			continue // a token of the process, which any attempt may have asked for
		}
		if _, err := fmt.Sscan(strings.TrimLeft(number, "0"), &v.number); err != nil {
			continue
		}
		v.component = trace
		visits[trace] = append(visits[trace], v)
	}
	return visits
}

// branch tells the two calls apart that one attempt may make at the same time:
// one about its source and one about its destination.
func (v visit) branch() string {
	for _, branch := range []string{"source", "destination"} {
		if strings.Contains(v.Operation, branch) {
			return branch
		}
	}
	return "connection"
}

// judge says what is wrong with the calls on one component, in their order of
// arrival: no attempt makes more than one call in each branch after another
// attempt began, operations come in the order of their requests, and what is
// written is what the request says, so that versions only go up. wishes are the
// component's by the number of their request.
func judge(visits []visit, wishes map[int]wish) []string {
	return append(judgeOverlap(visits), judgeOrder(visits, wishes)...)
}

func judgeOverlap(visits []visit) []string {
	var wrong []string
	began := map[string]visit{} // by attempt
	var order []string
	late := map[[3]string][]visit{} // by the later attempt, the earlier one, and the branch
	for _, v := range visits {
		if _, known := began[v.attempt]; !known {
			began[v.attempt] = v
			order = append(order, v.attempt)
		}
	}
	for _, v := range visits {
		older := true
		for _, attempt := range order {
			if attempt == v.attempt {
				older = false
			}
			first := began[attempt]
			if older || attempt == v.attempt || !v.End.IsZero() && !v.End.After(first.Start) {
				continue
			}
			key := [3]string{attempt, v.attempt, v.branch()}
			if late[key] = append(late[key], v); len(late[key]) == 2 {
				wrong = append(wrong, fmt.Sprintf("%s: attempt %s makes %s (%d) after attempt %s began with %s (%d), and had made %s (%d)",
					v.component, v.attempt, v.Operation, v.Seq, attempt, first.Operation, first.Seq, late[key][0].Operation, late[key][0].Seq))
			}
		}
	}
	return wrong
}

func judgeOrder(visits []visit, wishes map[int]wish) []string {
	var wrong []string
	number, version := 0, 0
	seen := map[string]bool{}
	for _, v := range visits {
		wanted, known := wishes[v.number]
		if !known {
			wrong = append(wrong, fmt.Sprintf("%s: %s is for request %d, which was never made", v.component, v.Operation, v.number))
			continue
		}
		if !seen[v.attempt] && v.number < number {
			wrong = append(wrong, fmt.Sprintf("%s: request %d begins (%d) after request %d", v.component, v.number, v.Seq, number))
		}
		seen[v.attempt] = true
		number = max(number, v.number)
		written, ok := versionIn(v)
		if !ok || !v.Acted {
			continue
		}
		if wanted.Kind != workload.Provision || written != wanted.Version {
			wrong = append(wrong, fmt.Sprintf("%s: %s (%d) writes version %d for request %d, which is %s of version %d",
				v.component, v.Operation, v.Seq, written, v.number, wanted.Kind, wanted.Version))
		}
		if written < version {
			wrong = append(wrong, fmt.Sprintf("%s: %s (%d) writes version %d after version %d", v.component, v.Operation, v.Seq, written, version))
		}
		version = max(version, written)
	}
	return wrong
}

var (
	versionInURL    = regexp.MustCompile(`^https://example\.com/v(\d{6})\.csv$`)
	versionInSchema = regexp.MustCompile(`^V(\d{6})$`)
)

// versionIn is the version that a call writes into a source or a destination.
func versionIn(v visit) (int, bool) {
	switch v.Operation {
	case "sources/create", "sources/update", "destinations/create", "destinations/update":
	default:
		return 0, false
	}
	var body struct {
		Configuration struct {
			URL    string `json:"url"`
			Schema string `json:"schema"`
		} `json:"connectionConfiguration"`
	}
	if err := json.Unmarshal([]byte(v.Body), &body); err != nil {
		return 0, false
	}
	return versionOf(body.Configuration.URL + body.Configuration.Schema)
}

func versionOf(text string) (int, bool) {
	for _, pattern := range []*regexp.Regexp{versionInURL, versionInSchema} {
		if found := pattern.FindStringSubmatch(text); found != nil {
			var n int
			_, err := fmt.Sscanf(strings.TrimLeft(found[1], "0"), "%d", &n)
			return n, err == nil
		}
	}
	return 0, false
}

// own are one component's entities that are alive.
type own struct {
	sources, destinations []airbytesim.Actor
	connections           []airbytesim.Connection
}

var digestIn = regexp.MustCompile(` \[wb-([0-9a-f]{16})\]$`)

// inventory sorts what is alive in Airbyte by the digest of its component; what
// belongs to none is under "".
func inventory(contents airbytesim.Contents) map[string]*own {
	byDigest, bySource := map[string]*own{}, map[string]*own{}
	of := func(digest string) *own {
		if byDigest[digest] == nil {
			byDigest[digest] = &own{}
		}
		return byDigest[digest]
	}
	digest := func(name string) string {
		if found := digestIn.FindStringSubmatch(name); found != nil {
			return found[1]
		}
		return ""
	}
	for _, source := range contents.Sources {
		o := of(digest(source.Name))
		bySource[source.ID] = o
		if !source.Deleted {
			o.sources = append(o.sources, source)
		}
	}
	for _, destination := range contents.Destinations {
		if !destination.Deleted {
			o := of(digest(destination.Name))
			o.destinations = append(o.destinations, destination)
		}
	}
	for _, connection := range contents.Connections {
		if connection.Status == "deprecated" {
			continue
		}
		o := bySource[connection.SourceID]
		if o == nil {
			o = of("")
		}
		o.connections = append(o.connections, connection)
	}
	return byDigest
}

// compare says where a component's entities are not as the wish says.
func (o *own) compare(wanted wish) []string {
	if o == nil {
		o = &own{}
	}
	n := 1
	if wanted.Kind == workload.Unprovision {
		n = 0
	}
	if len(o.sources) != n || len(o.destinations) != n || len(o.connections) != n {
		return []string{fmt.Sprintf("has %d sources, %d destinations and %d connections, want %d of each",
			len(o.sources), len(o.destinations), len(o.connections), n)}
	}
	if n == 0 {
		return nil
	}
	var wrong []string
	source, destination, connection := o.sources[0], o.destinations[0], o.connections[0]
	if got := source.Configuration["url"]; got != urlOf(wanted.Version) {
		wrong = append(wrong, fmt.Sprintf("has the URL %v, want %s", got, urlOf(wanted.Version)))
	}
	if got := destination.Configuration["schema"]; got != schemaOf(wanted.Version) {
		wrong = append(wrong, fmt.Sprintf("has the schema %v, want %s", got, schemaOf(wanted.Version)))
	}
	if connection.SourceID != source.ID || connection.DestinationID != destination.ID {
		wrong = append(wrong, "has a connection that joins other entities")
	}
	if got, want := fmt.Sprint(connection.ScheduleData["basicSchedule"]), fmt.Sprintf("map[timeUnit:hours units:%d]", unitsOf(wanted.Version)); got != want {
		wrong = append(wrong, fmt.Sprintf("has the schedule %s, want %s", got, want))
	}
	return wrong
}
