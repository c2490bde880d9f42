package telemetry

import (
	"runtime/debug"
	"strings"
)

// Set by the linker (-X) where a build has no repository beside it; otherwise
// the build info tells.
var (
	version string
	commit  string
)

// Build is what a program was built from.
type Build struct {
	Version string // of the module, "devel" for a build of a working copy
	Commit  string // abbreviated, with "-dirty" for changes beyond it; "unknown" when not told
	Go      string // version of the toolchain
}

// String is one line for people.
func (b Build) String() string { return b.Version + " (commit " + b.Commit + ", " + b.Go + ")" }

// Version is the build of the running program on one line.
func Version() string { return CurrentBuild().String() }

// CurrentBuild is the build of the running program.
func CurrentBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(info, version, commit)
}

// buildOf joins what the linker set with what the toolchain recorded.
func buildOf(info *debug.BuildInfo, version, commit string) Build {
	b := Build{Version: version, Commit: commit, Go: info.GoVersion}
	if b.Version == "" {
		b.Version = strings.Trim(info.Main.Version, "()")
	}
	if b.Version == "" {
		b.Version = "devel"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if b.Commit == "" {
		b.Commit = settings["vcs.revision"]
	}
	b.Commit = b.Commit[:min(12, len(b.Commit))]
	switch {
	case b.Commit == "":
		b.Commit = "unknown"
	case commit == "" && settings["vcs.modified"] == "true":
		b.Commit += "-dirty"
	}
	return b
}
