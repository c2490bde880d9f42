package httpapi

import "airbyte-provisioner/internal/workload"

// ProvisioningRequest is the body of validate, provision and unprovision.
type ProvisioningRequest struct {
	DescriptorKind string
	Descriptor     string // YAML text
	// LatestEnrichedDescriptor is YAML text; empty where the request has none.
	LatestEnrichedDescriptor string
	// RemoveData is false where the request is silent: without being told, nothing is deleted.
	RemoveData bool
}

// UpdateACLRequest is the body of updateacl.
type UpdateACLRequest struct {
	Refs []string // the complete wanted set of users and groups
	// Request is the descriptor with which the component was provisioned, as JSON or YAML text.
	Request string
	// Result is what that provisioning told people.
	Result string
	// AccessControlFields is free-form; nil where the request has none.
	AccessControlFields map[string]any
}

// ReverseRequest is the body of reverse-provisioning.
type ReverseRequest struct {
	UseCaseTemplateID string
	Environment       string
	Params            map[string]any // nil where the request has none
	CatalogInfo       map[string]any // nil where the request has none
}

// descriptorKinds are the values of the contract's DescriptorKind.
var descriptorKinds = []string{
	"COMPONENT_DESCRIPTOR", "DATAPRODUCT_DESCRIPTOR", "DATAPRODUCT_DESCRIPTOR_WITH_RESULTS",
}

// readProvisioning decodes a ProvisioningRequest. That removeData is required
// by the contract is not insisted on: real callers leave it out.
func readProvisioning(body []byte) (ProvisioningRequest, *workload.Failure) {
	var r ProvisioningRequest
	o, failure := readObject(body)
	if failure != nil {
		return r, failure
	}
	o.text("descriptorKind", required, &r.DescriptorKind)
	o.oneOf("descriptorKind", r.DescriptorKind, descriptorKinds)
	o.text("descriptor", required, &r.Descriptor)
	o.text("latestEnrichedDescriptor", optional, &r.LatestEnrichedDescriptor)
	o.boolean("removeData", &r.RemoveData)
	return r, o.failure()
}

// readUpdateACL decodes an UpdateAclRequest.
func readUpdateACL(body []byte) (UpdateACLRequest, *workload.Failure) {
	var r UpdateACLRequest
	o, failure := readObject(body)
	if failure != nil {
		return r, failure
	}
	o.texts("refs", &r.Refs)
	if info := o.object("provisionInfo"); info != nil {
		info.text("request", required, &r.Request)
		info.text("result", present, &r.Result)
	}
	o.free("accessControlFields", &r.AccessControlFields)
	return r, o.failure()
}

// readReverse decodes a ReverseProvisioningRequest.
func readReverse(body []byte) (ReverseRequest, *workload.Failure) {
	var r ReverseRequest
	o, failure := readObject(body)
	if failure != nil {
		return r, failure
	}
	o.text("useCaseTemplateId", required, &r.UseCaseTemplateID)
	o.text("environment", required, &r.Environment)
	o.free("params", &r.Params)
	o.free("catalogInfo", &r.CatalogInfo)
	return r, o.failure()
}
