package reverse

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"airbyte-provisioner/internal/workload"

	"github.com/google/uuid"
)

// Parse makes work of a ReverseProvisioningRequest: params says which
// connection is meant, catalogInfo is the component's catalog-info.yaml of now.
// No value of catalogInfo gets into the work but references to secrets.
func Parse(environment string, params, catalogInfo map[string]any) (workload.Work, *workload.Failure) {
	request := workload.ReverseRequest{}
	var problems []workload.Problem
	for _, param := range []struct {
		name string
		into *string
	}{
		{"connectionId", &request.ConnectionID},
		{"connectionName", &request.ConnectionName},
		{"sourceName", &request.SourceName},
		{"destinationName", &request.DestinationName},
	} {
		text, ok := scalar(params[param.name])
		if !ok {
			problems = append(problems, workload.Problem{Path: "params." + param.name, Message: "must be a text"})
		}
		*param.into = strings.TrimSpace(text)
	}
	problems = append(problems, check(&request)...)
	if problems != nil {
		return workload.Work{}, &workload.Failure{
			Code: workload.CodeInvalid, Phase: workload.PhaseAccept,
			Message:  "The request does not say which connection is to be read.",
			Problems: problems,
			Solutions: []string{
				"Give the connection's id (connectionId), its name (connectionName), or the names of its source and destination (sourceName and destinationName) in the form.",
			},
		}
	}
	request.Present, request.Placeholders = survey(specificOf(catalogInfo))
	// There is no component to name the operation after on the pages for people.
	name := cmp.Or(request.ConnectionName, request.ConnectionID, request.SourceName+" to "+request.DestinationName)
	return workload.Work{Component: workload.NewComponent("", environment), Name: name, Reverse: &request}, nil
}

func check(request *workload.ReverseRequest) []workload.Problem {
	var problems []workload.Problem
	if request.ConnectionID != "" {
		id, err := uuid.Parse(request.ConnectionID)
		if err != nil {
			problems = append(problems, workload.Problem{
				Path: "params.connectionId", Message: fmt.Sprintf("%.60q is no UUID; it stands behind connections/ in the connection's address in Airbyte", request.ConnectionID),
			})
		}
		request.ConnectionID = id.String()
	}
	switch pair := request.SourceName != "" || request.DestinationName != ""; {
	case !pair && request.ConnectionID == "" && request.ConnectionName == "":
		problems = append(problems, workload.Problem{Path: "params", Message: "hold neither connectionId, connectionName, nor sourceName and destinationName"})
	case pair && request.SourceName == "":
		problems = append(problems, workload.Problem{Path: "params.sourceName", Message: "is missing; it goes with destinationName"})
	case pair && request.DestinationName == "":
		problems = append(problems, workload.Problem{Path: "params.destinationName", Message: "is missing; it goes with sourceName"})
	}
	return problems
}

// scalar is a text, or what YAML made of one; nothing is "".
func scalar(value any) (string, bool) {
	switch value := value.(type) {
	case nil:
		return "", true
	case string:
		return value, true
	case json.Number, bool, int, int64:
		return fmt.Sprint(value), true
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), true
	}
	return "", false
}

// specificOf is spec.mesh.specific of a catalog-info.yaml; nil if there is none.
func specificOf(catalogInfo map[string]any) map[string]any {
	at := catalogInfo
	for _, key := range []string{"spec", "mesh", "specific"} {
		at, _ = at[key].(map[string]any)
	}
	return at
}

// optional are the fields of the specific block that an update may have to clear.
func optional() []string {
	return []string{
		"source.connector", "source.definitionId", "destination.connector", "destination.definitionId",
		"connection.namespaceFormat", "connection.prefix", "connection.nonBreakingChangesPreference",
	}
}

// reference is a text that is a reference to a secret and nothing else.
var reference = regexp.MustCompile(`^\$\{secret:[A-Za-z0-9_][A-Za-z0-9._-]{0,199}\}$`)

// survey tells which optional fields a specific block has, and where it refers to secrets.
func survey(specific map[string]any) (present []string, placeholders map[string]string) {
	for _, path := range optional() {
		block, field, _ := strings.Cut(path, ".")
		if parent, _ := specific[block].(map[string]any); parent[field] != nil {
			present = append(present, path)
		}
	}
	placeholders = map[string]string{}
	for _, actor := range []string{"source", "destination"} {
		block, _ := specific[actor].(map[string]any)
		walk(configurationPath(actor), block["connectionConfiguration"], func(path string, value any) {
			if text, ok := value.(string); ok && reference.MatchString(text) {
				placeholders[path] = text
			}
		})
	}
	return present, placeholders
}

func configurationPath(actor string) string { return actor + ".connectionConfiguration" }

// walk visits every value that is neither object nor list.
func walk(path string, value any, visit func(path string, value any)) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			walk(path+"."+name, member, visit)
		}
	case []any:
		for i, item := range value {
			walk(fmt.Sprintf("%s[%d]", path, i), item, visit)
		}
	default:
		visit(path, value)
	}
}
