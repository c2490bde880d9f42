package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/workload"
)

// The marks in a descriptor where the component's number and the number of its
// revision stand.
const (
	componentMark = "4040404040"
	revisionMark  = "50505"
)

// exampleDescriptor is the example's descriptor, about 2 KB, with the marks.
func exampleDescriptor() (string, error) {
	text, err := os.ReadFile("examples/descriptor.yaml")
	if err != nil {
		return "", fmt.Errorf("bench runs at the top of the repository: %w", err)
	}
	_, body, _ := strings.Cut(string(text), "dataProduct:\n") // the comment in front is for readers
	marked := "dataProduct:\n" + strings.NewReplacer(
		"places-ingestion", "places-"+componentMark, "epidemiology.csv", "epidemiology-"+revisionMark+".csv",
	).Replace(body)
	if strings.Count(marked, componentMark) != 2 || strings.Count(marked, revisionMark) != 1 {
		return "", fmt.Errorf("examples/descriptor.yaml is not what it was: %d, %d marks",
			strings.Count(marked, componentMark), strings.Count(marked, revisionMark))
	}
	return marked, nil
}

// largeDescriptor is a data product of 200 components, about 230 KB, whose
// first is the example's.
func largeDescriptor() (string, error) {
	text, err := exampleDescriptor()
	if err != nil {
		return "", err
	}
	const next = "    - id: urn:dmb:cmp:finance:cashflow:1:snowflake-storage"
	from, to := strings.Index(text, "    - id: "), strings.Index(text, next)
	end := strings.Index(text, "componentIdToProvision:")
	if from < 0 || to < 0 || end < 0 {
		return "", errors.New("examples/descriptor.yaml is not what it was")
	}
	var b strings.Builder
	b.WriteString(text[:end])
	for i := range 198 {
		b.WriteString(strings.NewReplacer("places-"+componentMark, fmt.Sprintf("other-%d", i), revisionMark, "0").Replace(text[from:to]))
	}
	b.WriteString(text[end:])
	return b.String(), nil
}

// shot is a request to POST /v1/provision whose component and revision are
// changed in place: rendering it anew would take the time that is to be measured.
type shot struct {
	text                []byte
	component, revision []int // where the marks stand
}

func newShot(text string) (*shot, error) {
	body, err := json.Marshal(map[string]any{
		"descriptorKind": "COMPONENT_DESCRIPTOR", "descriptor": text, "removeData": false,
	})
	if err != nil {
		return nil, err
	}
	request := fmt.Appendf(nil, "POST /v1/provision HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return &shot{text: request, component: every(request, componentMark), revision: every(request, revisionMark)}, nil
}

// every is where a mark stands in a text.
func every(text []byte, mark string) (at []int) {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte(mark))
		if i < 0 {
			return at
		}
		at = append(at, from+i)
		from += i + len(mark)
	}
}

// clone is a copy for another connection.
func (s *shot) clone() *shot {
	return &shot{text: bytes.Clone(s.text), component: s.component, revision: s.revision}
}

// aim sets component and revision and returns the request.
func (s *shot) aim(component, revision int64) []byte {
	put(s.text, s.component, component, len(componentMark))
	put(s.text, s.revision, revision, len(revisionMark))
	return s.text
}

func put(text []byte, at []int, number int64, digits int) {
	for _, from := range at {
		n := number
		for i := from + digits - 1; i >= from; i-- {
			text[i] = byte('0' + n%10)
			n /= 10
		}
	}
}

// orders makes orders as the API would, for filling queues without it.
type orders struct {
	work workload.Work
	text string
}

func newOrders() (*orders, error) {
	text, err := exampleDescriptor()
	if err != nil {
		return nil, err
	}
	connectors, err := catalog.Load("")
	if err != nil {
		return nil, err
	}
	work, failure := descriptor.Parse(descriptor.Request{
		Kind: workload.Provision, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: text,
	}, connectors)
	if failure != nil {
		return nil, failure
	}
	return &orders{work: work, text: text}, nil
}

// of is the order of a component.
func (o *orders) of(component int64) workload.Order {
	work := o.work
	work.Component = workload.NewComponent(strings.ReplaceAll(work.Component.ID, componentMark, fmt.Sprintf("%010d", component)), work.Component.Environment)
	return workload.Order{Kind: workload.Provision, Work: work, TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"}
}
