package chaos

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"airbyte-provisioner/internal/workload"
)

// component is a component and what was asked for it.
type component struct {
	// submitting is held while a request is submitted, until its token is known,
	// so that the test knows the order of acceptance.
	submitting sync.Mutex
	index      int
	requests   int // submitted so far

	mu       sync.Mutex
	accepted []*accepted
}

// wish is what a request asks for.
type wish struct {
	Kind       workload.Kind
	Version    int // of the content; it only ever goes up
	RemoveData bool
	People     string // who is to have access, separated by blanks; of an updateacl
}

// request is the path below /v1 or /v2 and the body by which a wish is submitted.
func (w wish) request(at *component) (path string, body any) {
	submitted := submission{
		DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: at.descriptor(w.Version), RemoveData: w.RemoveData,
	}
	switch w.Kind {
	case workload.Validate:
		return "/v2/validate", submitted
	case workload.UpdateACL:
		request := aclRequest{Refs: []string{}}
		for _, name := range strings.Fields(w.People) {
			request.Refs = append(request.Refs, "user:"+name+"_example.com")
		}
		request.ProvisionInfo.Request = submitted.Descriptor
		return "/v1/updateacl", request
	default:
		return "/v1/" + string(w.Kind), submitted
	}
}

// statusPath is where the token's status is asked for.
func (w wish) statusPath(token string) string {
	if w.Kind == workload.Validate {
		return "/v2/validate/" + token + "/status"
	}
	return "/v1/provision/" + token + "/status"
}

// accepted is an operation that was accepted: a new token was answered.
type accepted struct {
	wish
	component *component
	number    int // of the request, in its component, by which its calls are known
	token     string

	asking sync.Mutex // held while it is asked for and the answer noted

	mu   sync.Mutex
	last status // what was last seen of it
}

func (a *accepted) state() status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// see takes a newer status; it returns what is wrong with the change from the last one.
func (a *accepted) see(now status) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.last
	a.last = now
	switch {
	case was.final() && (was.Status != now.Status || was.Result != now.Result):
		return fmt.Errorf("%s was %s (%s) and is %s (%s): a final state changed", a, was.Status, was.Result, now.Status, now.Result)
	case was.Status == "TERMINATING" && now.Status != "TERMINATING" && now.Status != "TERMINATED":
		return fmt.Errorf("%s went from TERMINATING to %s", a, now.Status)
	}
	return nil
}

func (a *accepted) String() string {
	return fmt.Sprintf("%s %s %d (version %d, token %s)", a.component, a.Kind, a.number, a.Version, a.token)
}

func (c *component) String() string { return fmt.Sprintf("c%03d", c.index) }

// id is the component's id in descriptors.
func (c *component) id() string { return fmt.Sprintf("urn:dmb:cmp:finance:chaos:0:%s", c) }

func (c *component) digest() string { return workload.NewComponent(c.id(), "test").Digest() }

// trace is the trace id of the component's request with the number.
func (c *component) trace(number int) string { return fmt.Sprintf("%s-%06d", c, number) }

// newest is the last accepted operation of one of the kinds, or of any; nil where there is none.
func (c *component) newest(kinds ...workload.Kind) *accepted {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range slices.Backward(c.accepted) {
		if len(kinds) == 0 || slices.Contains(kinds, one.Kind) {
			return one
		}
	}
	return nil
}

// content is what the component's entities are to be, by what was accepted last.
func (c *component) content() wish {
	if last := c.newest(workload.Provision, workload.Unprovision); last != nil {
		return last.wish
	}
	return wish{Kind: workload.Unprovision}
}

// people are those who are to have access through the component: an
// unprovision takes it from all.
func (c *component) people() []string {
	if last := c.newest(workload.UpdateACL, workload.Unprovision); last != nil {
		return strings.Fields(last.People)
	}
	return nil
}

// The parts of a content that carry its version.
func urlOf(version int) string    { return fmt.Sprintf("https://example.com/v%06d.csv", version) }
func schemaOf(version int) string { return fmt.Sprintf("V%06d", version) }
func unitsOf(version int) int     { return 1 + version%24 }

// descriptor asks for the version of the component.
func (c *component) descriptor(version int) string {
	return fmt.Sprintf(`
dataProduct:
  id: urn:dmb:dp:finance:chaos:0
  name: Chaos
  domain: finance
  environment: test
  version: 0.1.0
  kind: dataproduct
  dataProductOwner: user:jane.doe_example.com
  components:
    - id: %[1]s
      name: Ingest %[2]s
      kind: workload
      version: 0.1.0
      specific:
        source:
          name: finance.chaos.0.File
          connectionConfiguration:
            dataset_name: orders
            format: csv
            url: %[3]s
            provider: {storage: HTTPS, user_agent: false}
        destination:
          name: finance.chaos.0.Snowflake
          connectionConfiguration:
            schema: %[4]s
        connection:
          name: File to Snowflake
          schedule: {type: basic, units: %[5]d, timeUnit: hours}
componentIdToProvision: %[1]s
`, c.id(), c, urlOf(version), schemaOf(version), unitsOf(version))
}
