package workload

import "testing"

func TestFieldPaths(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ at, name, want string }{
		"a field of the root":        {"", "host", "host"},
		"a field of an object":       {"provider", "storage", "provider.storage"},
		"a field of a list's entry":  {"streams[0]", "name", "streams[0].name"},
		"a name like a path":         {"", "provider.storage", `"provider.storage"`},
		"a name like an entry":       {"a", "streams[0]", `a."streams[0]"`},
		"no name":                    {"", "", `""`},
		"a name that is quoted":      {"", `"provider.storage"`, `"\"provider.storage\""`},
		"dashes and such are common": {"", "keep_files_in_gcs-bucket", "keep_files_in_gcs-bucket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := FieldPath(c.at, c.name); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
