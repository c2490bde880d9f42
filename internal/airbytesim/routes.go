package airbytesim

// routes are the operations that the simulator knows. Those that start a job
// take the lock themselves, so that nothing else waits for it.
func routes() map[string]handler {
	table := map[string]handler{
		"applications/token":                token,
		"sources/discover_schema":           discoverStored,
		"scheduler/sources/discover_schema": discoverUnsaved,
	}
	for _, side := range sides {
		side.addRoutes(table)
	}
	for operation, h := range map[string]handler{
		"health": health, "instance_configuration": instanceConfiguration, "workspaces/get": getWorkspace,
		"sources/list_paginated": sides[Source].listRows,
		"connections/create":     createConnection, "connections/update": updateConnection,
		"connections/list": listConnections(false), "connections/list_all": listConnections(true),
		"connections/get": getConnection, "connections/delete": deleteConnection, "connections/sync": syncConnection,
		"connections/reset": erase("reset_connection"), "connections/clear": erase("clear"),
		"state/get": getState, "state/create_or_update": setState(false), "state/create_or_update_safe": setState(true),
		"jobs/list": listJobs, "jobs/get": getJob, "jobs/get_without_logs": getJob, "jobs/cancel": cancelJob,
		"tags/create": createTag, "tags/update": updateTag, "tags/delete": deleteTag, "tags/list": listTags,
	} {
		table[operation] = locked(h)
	}
	for operation, h := range map[string]handler{
		"users/get": getUser, "users/get_by_email": getUserByEmail, "users/get_by_auth_id": getUserByAuthID,
		"users/get_or_create_by_auth_id": getOrCreateUser, "users/list_by_organization_id": listUsers,
		"users/list_access_info_by_workspace_id": listAccess, "user_invitations/create": invite,
		"user_invitations/list_pending": listInvitations, "user_invitations/cancel": cancelInvitation,
		"permissions/create": createPermission, "permissions/get": getPermission, "permissions/update": updatePermission,
		"permissions/delete": deletePermission, "permissions/delete_user_from_workspace": revoke,
		"permissions/list_by_user": listPermissions, "permissions/check": checkPermission,
		"permissions/check_multiple_workspaces": checkPermissions,
	} {
		table[operation] = locked(withPermissions(h))
	}
	for operation, h := range map[string]handler{
		"groups/list": listGroups, "groups/get": getGroup, "group_permissions/list": listGroupPermissions,
		"group_permissions/create": createGroupPermission, "group_permissions/delete": deleteGroupPermission,
	} {
		table[operation] = locked(withPermissions(withGroups(h)))
	}
	return table
}

// addRoutes adds what sources and destinations have alike.
func (side side) addRoutes(table map[string]handler) {
	kind := string(side.kind)
	for operation, h := range map[string]handler{
		side.list + "/create": side.create, side.list + "/update": side.update, side.list + "/partial_update": side.partialUpdate,
		side.list + "/list": side.listPage, side.list + "/get": side.get, side.list + "/delete": side.delete,
		kind + "_definitions/get": side.getDefinition, kind + "_definitions/get_for_workspace": side.getDefinition,
		kind + "_definitions/list": side.listDefinitions, kind + "_definitions/list_for_workspace": side.listDefinitions,
		kind + "_definition_specifications/get": side.specification,
	} {
		table[operation] = locked(h)
	}
	table[side.list+"/check_connection"] = side.check(side.stored)
	table[side.list+"/check_connection_for_update"] = side.check(side.proposed)
	table["scheduler/"+side.list+"/check_connection"] = side.check(side.unsaved)
}
