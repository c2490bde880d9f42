package access

import "slices"

// includes lists, for each role that says something about a workspace, the
// workspace roles that it includes besides itself, as Airbyte's own rules have it.
//
//nolint:gochecknoglobals // never changed
var includes = map[string][]string{
	"workspace_reader":             nil,
	"workspace_runner":             {"workspace_reader"},
	"workspace_source_editor":      {"workspace_runner", "workspace_reader"},
	"workspace_destination_editor": {"workspace_runner", "workspace_reader"},
	"workspace_editor":             belowEditor,
	"workspace_admin":              belowAdmin,
	"workspace_owner":              belowAdmin,
	"organization_member":          nil,
	"organization_reader":          {"workspace_reader"},
	"organization_runner":          {"workspace_runner", "workspace_reader"},
	"organization_editor":          append([]string{"workspace_editor"}, belowEditor...),
	"organization_admin":           belowAdmin,
	"instance_admin":               belowAdmin,
}

//nolint:gochecknoglobals // never changed
var (
	belowEditor = []string{"workspace_source_editor", "workspace_destination_editor", "workspace_runner", "workspace_reader"}
	belowAdmin  = append([]string{"workspace_owner", "workspace_admin", "workspace_editor"}, belowEditor...)
)

// Roles are the roles that can be granted in a workspace, the least first.
func Roles() []string {
	return []string{
		"workspace_reader", "workspace_runner", "workspace_source_editor", "workspace_destination_editor",
		"workspace_editor", "workspace_admin",
	}
}

// covers reports whether who has a role needs no grant of the wanted one.
func covers(has, wanted string) bool {
	return has != "" && (has == wanted || slices.Contains(includes[has], wanted))
}
