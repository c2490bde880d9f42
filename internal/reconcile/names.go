package reconcile

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxName is the length of a name that Airbyte's database takes, in characters.
const maxName = 256

var (
	tags         = regexp.MustCompile(`(?i)\[wb-([0-9a-f]{16})\]`)
	trailingTags = regexp.MustCompile(`(?i)(\s*\[wb-[0-9a-f]{16}\])+\s*$`)
)

// actorName is the name in Airbyte of a source or destination: the descriptor's
// own, cut where it is too long, and the component's digest. Digests that the
// descriptor's name ends in (a name read back from Airbyte) are dropped, so
// nobody can claim another component's entity by a name.
func actorName(name, digest string) string {
	tag := "[wb-" + digest + "]"
	if strings.Contains(name, "]") { // sooner than the expression tells; most names hold none
		name = trailingTags.ReplaceAllString(name, "")
	}
	name = strings.TrimSpace(name)
	if room := maxName - len(tag) - 1; utf8.RuneCountInString(name) > room {
		name = strings.TrimSpace(string([]rune(name)[:room]))
	}
	return strings.TrimSpace(name + " " + tag)
}

// copied is what older servers add to the name of a source or destination that somebody copies.
const copied = " (Copy)"

// ownerOf is the digest of the component that an entity's name says it belongs
// to; empty when it says none, or when it is a copy that somebody made. The last
// digest counts, since that is where ours are put.
func ownerOf(name string) string {
	if strings.HasSuffix(name, copied) {
		return ""
	}
	all := tags.FindAllStringSubmatch(name, -1)
	if len(all) == 0 {
		return ""
	}
	return strings.ToLower(all[len(all)-1][1])
}

// searchTerm finds all entities of a component in Airbyte's list.
func searchTerm(digest string) string { return "[wb-" + digest + "]" }
