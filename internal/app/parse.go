package app

import (
	"strings"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/workload"
)

// parseAccess makes work of a request to change access: the component is that of
// the descriptor with which it was provisioned. Paths of problems lead into the request.
func parseAccess(r httpapi.UpdateACLRequest, connectors *catalog.Catalog) (workload.Work, *workload.Failure) {
	const root = "provisionInfo.request"
	work, failure := descriptor.Parse(descriptor.Request{Kind: workload.UpdateACL, Descriptor: r.Request}, connectors)
	if failure != nil {
		for i, problem := range failure.Problems {
			switch path, isWhole := strings.CutPrefix(problem.Path, "descriptor"); {
			case problem.Path == "":
			case isWhole:
				failure.Problems[i].Path = root + path
			default:
				failure.Problems[i].Path = root + "." + problem.Path
			}
		}
		return workload.Work{}, failure
	}
	// Of the descriptor only the identity counts: equal requests are to be equal work.
	return workload.Work{
		Component: work.Component, Name: work.Name, DataProduct: work.DataProduct, Warnings: work.Warnings,
		Access: &workload.AccessRequest{Refs: r.Refs},
	}, nil
}
