package descriptor

import (
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"

	"gopkg.in/yaml.v3"
)

// Request is what a front end was asked, as far as it concerns the descriptor.
type Request struct {
	// Kind is the operation; it decides how much of the descriptor must be right.
	// An unprovision only warns about settings that a removal does not need, and
	// an updateacl needs the component and nothing of its specific block.
	Kind workload.Kind
	// DescriptorKind is the contract's field; not looked at for an updateacl,
	// whose request has none.
	DescriptorKind string
	// Descriptor is the YAML (or JSON) text.
	Descriptor string
	// LatestEnrichedDescriptor is the data product as last deployed, or "".
	LatestEnrichedDescriptor string
	RemoveData               bool
}

// componentDescriptor is the only descriptor kind for an adapter.
const componentDescriptor = "COMPONENT_DESCRIPTOR"

// Parse reads the workload that a descriptor wants. The failure, with
// CodeInvalid (CodeTooLarge for a text over MaxBytes), holds every problem that
// was found, each with its path from the descriptor's root.
func Parse(request Request, connectors *catalog.Catalog) (workload.Work, *workload.Failure) {
	p := &parser{connectors: connectors, kind: request.Kind}
	p.descriptorKind(request)
	root, err := parseText(request.Descriptor)
	if err != nil {
		return workload.Work{}, p.unreadable(request.Descriptor, err)
	}
	if !p.inspect(root, nil, 0) || !p.expansion(request.Descriptor, root) {
		return workload.Work{}, p.failure()
	}
	work := p.work(root)
	work.RemoveData = request.RemoveData && request.Kind == workload.Unprovision
	if len(p.problems) > 0 {
		return workload.Work{}, p.failure()
	}
	p.previous(&work, request.LatestEnrichedDescriptor)
	work.Warnings = p.warnings
	return work, nil
}

// parser reads one descriptor.
type parser struct {
	reader
	connectors *catalog.Catalog
	kind       workload.Kind
}

func (p *parser) descriptorKind(request Request) {
	switch kind := request.DescriptorKind; {
	case kind == componentDescriptor || request.Kind == workload.UpdateACL && kind == "":
	case kind == "":
		p.problem("descriptorKind", "is missing; expected %s", componentDescriptor)
	case kind == "DATAPRODUCT_DESCRIPTOR" || kind == "DATAPRODUCT_DESCRIPTOR_WITH_RESULTS":
		p.problem("descriptorKind", "is %s, the descriptor of a whole data product; expected %s, one component at a time", kind, componentDescriptor)
	default:
		p.problem("descriptorKind", "is %.60q, which is no descriptor kind; expected %s", kind, componentDescriptor)
	}
}

// work reads the whole tree. What is missing is a problem, and the returned work
// then incomplete.
func (p *parser) work(root *yaml.Node) workload.Work {
	top := p.mapping("descriptor", root, "dataProduct and componentIdToProvision")
	if top == nil {
		return workload.Work{}
	}
	top.path = "" // paths are from the root
	var work workload.Work
	product := p.mapping("dataProduct", top.get("dataProduct"), "the data product and its components")
	environment := ""
	if product != nil {
		work.DataProduct = p.dataProduct(product)
		environment = p.environment(product)
	}
	id, found := p.text("componentIdToProvision", top.get("componentIdToProvision"), "the id of one of dataProduct.components")
	if product == nil || !found {
		return work
	}
	component := p.component(product, id)
	if component == nil {
		return work
	}
	work.Component = workload.NewComponent(id, environment)
	work.Name = p.componentName(component)
	work.Previous = privateInfo(component)
	if p.kind != workload.UpdateACL {
		p.specific(component, &work)
	}
	return work
}
