package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/workload"
)

// denied is a secret that could not be had, and the field that wanted it.
type denied struct {
	path    string
	failure *workload.Failure
}

// resolve replaces references and opens sealed values; every missing or
// forbidden secret is told at once.
func (m *making) resolve(ctx context.Context) *workload.Failure {
	var all []denied
	rewrite("", m.configuration, func(path string, value any) any {
		text, ok := value.(string)
		if !ok || !hasReference(text) && !isCoordinate(text) {
			return value
		}
		known := len(m.revealed)
		result, failures := m.reveal(ctx, path, text)
		for _, failure := range failures {
			all = append(all, denied{path, failure})
		}
		if len(failures) > 0 {
			return value
		}
		if isSealed(text) && len(m.revealed) == known { // it holds no reference
			m.opened[path] = true
		} else {
			m.secrets[path] = result
		}
		return result
	})
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b denied) int { return strings.Compare(a.path, b.path) })
	return m.secretFailure(all)
}

// reveal is a text with its references resolved, in a sealed one too.
func (m *making) reveal(ctx context.Context, path, text string) (string, []*workload.Failure) {
	if isSealed(text) {
		opened, err := m.catalog.sealer.Open(text)
		if err != nil {
			return "", []*workload.Failure{secretFailure("A sealed secret cannot be opened: "+err.Error()+".",
				"Ask the platform team whether the API and the workers have the same sealing key, then deploy again.")}
		}
		text = opened
	}
	var failures []*workload.Failure
	user := SecretUser{
		Domain: m.in.DataProduct.Domain, DataProduct: m.in.DataProduct.Name, ID: m.in.DataProduct.ID,
		Operator: under(path, m.operator),
	}
	if isCoordinate(text) {
		value, failure := m.lookUp(ctx, text, user)
		if failure != nil {
			failures = append(failures, failure)
		}
		return value, failures
	}
	begin := strings.TrimSpace(text)
	inJSON := (strings.HasPrefix(begin, "{") || strings.HasPrefix(begin, "[")) && json.Valid([]byte(text))
	result := secretReference.ReplaceAllStringFunc(text, func(reference string) string {
		value, failure := m.lookUp(ctx, secretReference.FindStringSubmatch(reference)[1], user)
		if failure != nil {
			failures = append(failures, failure)
		}
		if inJSON {
			quoted, _ := json.Marshal(value) //nolint:errchkjson // a text is always JSON
			return string(quoted[1 : len(quoted)-1])
		}
		return value
	})
	return result, failures
}

// lookUp resolves one name and notes what it gave.
func (m *making) lookUp(ctx context.Context, name string, user SecretUser) (string, *workload.Failure) {
	if m.in.Secrets == nil && isCoordinate(name) {
		return name, nil
	}
	if m.in.Secrets == nil {
		return "", secretFailure(fmt.Sprintf("The secret %q cannot be resolved: the worker has no place for secrets.", name),
			"Ask the platform team to set SECRETS_DIR or SECRETS_ENV_PREFIX.")
	}
	value, known := m.resolved[asked{name, user}]
	if !known {
		var err error
		if value, err = m.in.Secrets.Resolve(ctx, name, user); err != nil {
			return "", asSecretFailure(name, err)
		}
		m.resolved[asked{name, user}] = value
	}
	m.revealed = append(m.revealed, value)
	return value, nil
}

func asSecretFailure(name string, err error) *workload.Failure {
	var failure *workload.Failure
	if errors.As(err, &failure) {
		return failure
	}
	return (&workload.Failure{
		Code: workload.CodeSecret, Message: fmt.Sprintf("The secret %q cannot be read now.", name), Retry: true,
	}).Because(err)
}

// secretFailure gathers what every field's failure says.
func (m *making) secretFailure(all []denied) *workload.Failure {
	whole := &workload.Failure{
		Code: workload.CodeSecret, Phase: m.phase(), Message: fmt.Sprintf("The %s's secrets cannot be resolved.", m.in.Role),
		Retry: true,
	}
	for _, each := range all {
		problem := workload.Problem{Path: m.path(each.path), Message: each.failure.Message}
		if !slices.Contains(whole.Problems, problem) {
			whole.Problems = append(whole.Problems, problem)
		}
		for _, solution := range each.failure.Solutions {
			if !slices.Contains(whole.Solutions, solution) {
				whole.Solutions = append(whole.Solutions, solution)
			}
		}
		whole.Retry = whole.Retry && each.failure.Retry
		if cause := each.failure.Unwrap(); cause != nil {
			_ = whole.Because(cause)
		}
	}
	return whole
}
