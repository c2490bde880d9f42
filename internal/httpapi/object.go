package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"airbyte-provisioner/internal/workload"
)

// object is one JSON object of a request. Its methods read members and collect
// every problem, so that a caller hears of all of them at once.
type object struct {
	path     string // with a trailing dot; empty at the root
	members  map[string]json.RawMessage
	problems *[]workload.Problem
}

// need says how much of a text must be there.
type need int

const (
	optional need = iota // absent and null are the empty text
	present              // may be empty
	required             // may not be empty
)

// readObject parses a body that must hold exactly one JSON object.
func readObject(body []byte) (*object, *workload.Failure) {
	if problem := malformed(body); problem != "" {
		return nil, badBody(workload.Problem{Message: problem})
	}
	o := &object{problems: new([]workload.Problem)}
	o.read(body)
	return o, nil
}

// malformed says why a body is no JSON, or "" if it is.
func malformed(body []byte) string {
	if len(bytes.TrimSpace(body)) == 0 {
		return "The body is empty; a JSON object is expected."
	}
	if !utf8.Valid(body) {
		return "The body is not valid UTF-8; JSON is always UTF-8."
	}
	if json.Valid(body) {
		return ""
	}
	// The decoder tells where; it runs only on this path.
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(body, new(json.RawMessage)), &syntax) {
		return fmt.Sprintf("The body is not one JSON value: %v at byte %d.", syntax, syntax.Offset)
	}
	return "The body is not one JSON value."
}

// read takes the members of a well-formed JSON value that should be an object.
// A name that comes twice is a problem: which of the two was meant is a guess.
func (o *object) read(raw []byte) {
	if kindOf(raw) != "an object" {
		o.report("", "must be a JSON object, but is "+kindOf(raw))
		return
	}
	o.members = make(map[string]json.RawMessage, 8)
	for name, value := range members(raw) {
		if _, twice := o.members[name]; twice {
			o.report(name, "is there more than once")
		}
		o.members[name] = value
	}
}

// report adds a problem with a member, or with the object itself for name "".
func (o *object) report(name, message string) {
	path := strings.TrimSuffix(o.path+shorten(name), ".")
	if path == "" {
		message = "The body " + message + "."
	}
	*o.problems = append(*o.problems, workload.Problem{Path: path, Message: message})
}

// find returns a member. Null counts as absent; an absent one that is needed is reported.
func (o *object) find(name string, need need, expected string) (json.RawMessage, bool) {
	raw, ok := o.members[name]
	if ok && raw[0] != 'n' {
		return raw, true
	}
	if need != optional && o.members != nil {
		o.report(name, "is missing; "+expected+" is expected")
	}
	return nil, false
}

// mismatch reports a member of the wrong type.
func (o *object) mismatch(name string, raw []byte, expected string) {
	o.report(name, "must be "+expected+", but is "+kindOf(raw))
}

// text reads a string member.
func (o *object) text(name string, need need, into *string) {
	const expected = "a string"
	raw, ok := o.find(name, need, expected)
	if !ok {
		return
	}
	if raw[0] != '"' {
		o.mismatch(name, raw, expected)
		return
	}
	*into = unquote(raw)
	if need == required && strings.TrimSpace(*into) == "" {
		o.report(name, "is empty")
	}
}

// oneOf reports a text that is none of the allowed ones.
func (o *object) oneOf(name, value string, allowed []string) {
	if value != "" && !slices.Contains(allowed, value) {
		o.report(name, "must be one of "+strings.Join(allowed, ", "))
	}
}

// texts reads a required array of strings.
func (o *object) texts(name string, into *[]string) {
	const expected = "an array of strings"
	raw, ok := o.find(name, required, expected)
	if !ok {
		return
	}
	var elements []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &elements) != nil {
		o.mismatch(name, raw, expected)
		return
	}
	*into = make([]string, len(elements))
	for i, element := range elements {
		if element[0] != '"' {
			o.mismatch(fmt.Sprintf("%s[%d]", name, i), element, "a string")
			continue
		}
		(*into)[i] = unquote(element)
	}
}

// boolean reads an optional boolean member.
func (o *object) boolean(name string, into *bool) {
	raw, ok := o.find(name, optional, "")
	if ok && json.Unmarshal(raw, into) != nil {
		o.mismatch(name, raw, "true or false")
	}
}

// object reads a required object member; nil if there is none.
func (o *object) object(name string) *object {
	raw, ok := o.find(name, required, "an object")
	if !ok {
		return nil
	}
	if raw[0] != '{' {
		o.mismatch(name, raw, "an object")
		return nil
	}
	inner := &object{path: o.path + name + ".", problems: o.problems}
	inner.read(raw)
	return inner
}

// free reads an optional object of any content.
func (o *object) free(name string, into *map[string]any) {
	raw, ok := o.find(name, optional, "")
	if ok && json.Unmarshal(raw, into) != nil {
		o.mismatch(name, raw, "an object")
	}
}

// failure is everything that was reported, or nil.
func (o *object) failure() *workload.Failure {
	if len(*o.problems) == 0 {
		return nil
	}
	return badBody(*o.problems...)
}

// badBody is the failure for a body that does not keep to the contract.
func badBody(problems ...workload.Problem) *workload.Failure {
	return &workload.Failure{
		Code:     workload.CodeInvalid,
		Phase:    workload.PhaseAccept,
		Message:  "The request's body is not what the Tech Adapter contract asks for.",
		Problems: problems,
		Solutions: []string{
			"Send what /openapi.yaml describes for this operation. If Witboost sent the request, show this answer to the platform team.",
		},
	}
}

// kindOf names the type of a JSON value for people.
func kindOf(raw []byte) string {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// shorten bounds a name that the caller chose.
func shorten(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}
