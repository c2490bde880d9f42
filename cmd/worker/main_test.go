package main

import (
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args        []string
		code        int
		out, errors string
	}{
		"the version":                     {[]string{"-version"}, 0, "worker ", ""},
		"help":                            {[]string{"-h"}, 0, "", "-healthcheck"},
		"an unknown flag":                 {[]string{"-configuration", "x.yaml"}, exitUsage, "", "-configuration"},
		"a settings file without -config": {[]string{"config.yaml"}, exitUsage, "", `unexpected argument "config.yaml"`},
		"settings that cannot be read":    {[]string{"-config", "/nowhere.yaml"}, exitUsage, "", "/nowhere.yaml: cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errors strings.Builder
			code := run(t.Context(), c.args, nil, &out, &errors)
			if code != c.code || !strings.HasPrefix(out.String(), c.out) || !strings.Contains(errors.String(), c.errors) {
				t.Errorf("exit code %d, %q, %q", code, out.String(), errors.String())
			}
		})
	}
}
