// Package docs_test holds the documents against the repository: what they link
// to, and the files and make targets that they name, must be there. It asks
// nothing of the network.
package docs_test

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the repository's.
const root = ".."

var (
	fenced   = regexp.MustCompile("(?ms)^```.*?^```$")
	indented = regexp.MustCompile(`(?m)^(    |\t).*$`)
	span     = regexp.MustCompile("`[^`]*`")
	heading  = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	link     = regexp.MustCompile(`\]\(([^()\s]*)\)`)
	// bracket is the end of a link's text, whatever its target looks like.
	bracket = regexp.MustCompile(`\]\(`)
	// path is a file or directory of ours between backticks that are no link's text.
	path = regexp.MustCompile("(?:^|[^\\[])`((?:\\.ci|cmd|deploy|docs|examples|internal)/[A-Za-z0-9_./-]*)`")
	made = regexp.MustCompile("(?m)(?:^    |`)make ([a-z-]+)")
)

// documents are the texts of all Markdown files, by their path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == ".tools" || entry.Name() == "bin"):
			return filepath.SkipDir
		case filepath.Ext(name) != ".md":
			return nil
		}
		text, err := os.ReadFile(name)
		texts[filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator)))] = string(text)
		return err
	})
	if err != nil || len(texts) < 10 {
		t.Fatalf("%d documents were found: %v", len(texts), err)
	}
	return texts
}

// prose is a document without its code, in which brackets mean other things.
func prose(text string) string {
	text = fenced.ReplaceAllString(text, "")
	text = indented.ReplaceAllString(text, "")
	return span.ReplaceAllString(text, "")
}

// anchors are the names that links give to the headings of a document, as GitHub
// makes them: lower case, without punctuation, with hyphens for blanks.
func anchors(text string) map[string]bool {
	names := map[string]bool{"": true}
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		names[strings.Map(func(c rune) rune {
			switch {
			case c == ' ':
				return '-'
			case c == '-' || c == '_' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c > '~':
				return c
			}
			return -1
		}, strings.ToLower(h[1]))] = true
	}
	return names
}

func TestLinks(t *testing.T) {
	t.Parallel()
	texts, seen := documents(t), 0
	for name, text := range texts {
		text = prose(text)
		links := link.FindAllStringSubmatch(text, -1)
		if all := len(bracket.FindAllString(text, -1)); all != len(links) {
			t.Errorf("%s has %d links, of which this test understands %d", name, all, len(links))
		}
		for _, l := range links {
			seen++
			if problem := follow(name, l[1], texts); problem != "" {
				t.Errorf("%s links to %s, %s", name, l[1], problem)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d links were found", seen)
	}
}

// follow returns what is wrong with a link of a document; empty when nothing is.
func follow(from, to string, texts map[string]string) string {
	target, err := url.Parse(to)
	switch {
	case err != nil:
		return err.Error()
	case target.IsAbs() && (target.Scheme != "https" || target.Host == ""):
		return "which is no address that begins with https://"
	case target.IsAbs():
		return "" // somebody else's
	}
	file := from
	if target.Path != "" {
		file = filepath.ToSlash(filepath.Join(filepath.Dir(from), target.Path))
	}
	if strings.HasPrefix(file, "..") {
		return "which is outside of the repository"
	}
	if _, err := os.Stat(filepath.Join(root, file)); err != nil {
		return "which is not there"
	}
	if text, ok := texts[file]; target.Fragment != "" && (!ok || !anchors(text)[target.Fragment]) {
		return "which has no such heading"
	}
	return ""
}

func TestFollow(t *testing.T) {
	t.Parallel()
	texts := map[string]string{"docs/faq.md": "# Questions\n## What is `x-y`, and why?\n```\n# no heading\n```\n"}
	for to, right := range map[string]bool{
		"faq.md": true, "faq.md#questions": true, "#what-is-x-y-and-why": true, "../README.md": true, "../deploy/": true, "https://example.com/a": true,
		"faq.md#Questions": false, "#no-heading": false, "nothing.md": false, "../../elsewhere": false, "http://example.com": false,
		"../README.md#no-such": false, "mailto:me": false, "../examples/descriptor.yaml#x": false, "%zz": false,
	} {
		if got := follow("docs/faq.md", to, texts); (got == "") != right {
			t.Errorf("%s: %q", to, got)
		}
	}
}

// TestNamedFilesAndTargets has what documents name in passing.
func TestNamedFilesAndTargets(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	files, targets := 0, 0
	for name, text := range documents(t) {
		for _, p := range path.FindAllStringSubmatch(text, -1) {
			files++
			if _, err := os.Stat(filepath.Join(root, p[1])); err != nil {
				t.Errorf("%s names %s, which is not there", name, p[1])
			}
		}
		for _, m := range made.FindAllStringSubmatch(text, -1) {
			targets++
			if !strings.Contains(string(makefile), "\n"+m[1]+":") {
				t.Errorf("%s names make %s, which is not there", name, m[1])
			}
		}
	}
	if files < 10 || targets < 5 {
		t.Errorf("only %d files and %d targets were found", files, targets)
	}
}
