package descriptor

import (
	"errors"
	"strings"

	"airbyte-provisioner/internal/workload"
)

// What a reader can do, in the words of who fills in templates.
const (
	solveText      = "Check the file that the descriptor is made from (catalog-info.yaml) with a YAML validator: indentation, quotes around texts that hold \": \" or \" #\", and no key twice in one place."
	solveComponent = "Deploy through Witboost, which sends one component at a time with its id in componentIdToProvision; for a request of your own, take the id from dataProduct.components."
	solveKind      = "This adapter serves workload components only: check the component's kind and which infrastructure template (useCaseTemplateId, infrastructureTemplateId) it uses."
	solveProduct   = "Fill in the data product's own fields (name, domain, version) in its catalog-info.yaml, then release it again."
	solveSpecific  = "Edit the component in its template or in catalog-info.yaml under spec.mesh.specific, so that each field listed here holds what is expected, then deploy again."
	solveReference = "Write ${secret:NAME} instead of the secret and ask the platform team to store the secret under that name."
)

func (p *parser) failure() *workload.Failure {
	return &workload.Failure{
		Code:      workload.CodeInvalid,
		Phase:     workload.PhaseAccept,
		Message:   "The descriptor is not valid.",
		Problems:  p.problems,
		Solutions: p.solutions(),
	}
}

// unreadable is the failure of a text without a tree.
func (p *parser) unreadable(text string, cause error) *workload.Failure {
	code, solution := workload.CodeInvalid, solveText
	message := "is not a YAML document: " + cause.Error()
	switch {
	case errors.Is(cause, errEmpty):
		message = "is empty; expected a YAML text with dataProduct and componentIdToProvision"
	case len(text) > MaxBytes:
		code, message = workload.CodeTooLarge, "is too large: "+cause.Error()
		solution = "Make the data product smaller, or move large values out of its descriptor."
	}
	p.problem("descriptor", "%s", message)
	failure := p.failure()
	failure.Code, failure.Solutions = code, []string{solution}
	return failure
}

// solutions are chosen by where the problems are.
func (p *parser) solutions() []string {
	var all []string
	add := func(solution string) {
		for _, known := range all {
			if known == solution {
				return
			}
		}
		all = append(all, solution)
	}
	for _, problem := range p.problems {
		switch path := problem.Path; {
		case strings.Contains(problem.Message, "${secret:"):
			add(solveReference)
		case strings.Contains(path, ".specific"):
			add(solveSpecific)
		case path == "dataProduct.name" || path == "dataProduct.domain" || path == "dataProduct.version":
			add(solveProduct)
		case strings.HasSuffix(path, "].kind"):
			add(solveKind)
		case strings.Contains(problem.Message, "is there twice") || strings.Contains(problem.Message, "nested deeper"):
			add(solveText)
		default:
			add(solveComponent)
		}
	}
	return all
}
