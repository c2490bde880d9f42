package progress_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/progress"
)

var at = time.Date(2026, 5, 4, 10, 0, 1, 0, time.UTC)

func TestPlain(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := progress.New(&out, progress.Options{Zone: time.UTC})
	d.Tick("nothing moves without a terminal", time.Second)
	d.Line(at, "INFO", "source", "Created the source.")
	d.Line(at, "ERROR", "discovery", "It failed.\nTwice.\n")
	d.Print("The end.")
	d.Close()
	want := "10:00:01  source       Created the source.\n" +
		"10:00:01  discovery    ERROR It failed.\n" + strings.Repeat(" ", 23) + "Twice.\n" +
		"The end.\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// TestLive sees that the moving line is always taken away before anything else is written.
func TestLive(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := progress.New(&out, progress.Options{Live: true, Color: true, Zone: time.UTC, Steps: []string{"source", "discovery"}})
	const erased = "\r\x1b[2K"
	d.Tick("starting", 0)
	d.Line(at, "WARNING", "source", "slow")
	d.Tick("source", 1500*time.Millisecond)
	d.Tick("source", 2*time.Second)
	d.Print(d.State("COMPLETED"))
	d.Close()
	want := "⠙ □□ starting · 0s" + erased +
		"10:00:01  source       \x1b[33mWARNING\x1b[0m slow\n" +
		"⠹ ■□ source · 1s" + erased + "⠸ ■□ source · 2s" + erased +
		"\x1b[32mCOMPLETED\x1b[0m\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestMovingLineNeverWraps(t *testing.T) {
	t.Parallel()
	for _, width := range []int{0, 1, 2, 10, 40} {
		var out bytes.Buffer
		d := progress.New(&out, progress.Options{Live: true, Width: func() int { return width }})
		d.Tick(strings.Repeat("ä", 100)+"\nmore", 0)
		if got := len([]rune(out.String())); got > max(width-1, 0) || strings.Contains(out.String(), "\n") {
			t.Errorf("width %d: %d columns %q", width, got, out.String())
		}
	}
}

func TestBarOnlyGrows(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := progress.New(&out, progress.Options{Live: true, Steps: []string{"source", "discovery", "connection"}})
	d.Line(at, "INFO", "connection", "third")
	d.Line(at, "INFO", "source", "first, again")
	d.Line(at, "INFO", "elsewhere", "no step")
	out.Reset()
	d.Tick("x", 0)
	if !strings.Contains(out.String(), "■■■") {
		t.Errorf("the bar is %q", out.String())
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ text, want string }{
		"plain text stays":       {"Größe 3 → 4\nnext", "Größe 3 → 4\nnext"},
		"no escape sequences":    {"\x1b]0;title\x07red\x1b[31m", " ]0;title red [31m"},
		"no way back":            {"a\rb\bc", "a b c"},
		"C1 controls too":        {"a\u009b31mb", "a 31mb"},
		"no reversed text":       {"a\u202eb", "a b"},
		"what is no UTF-8 shows": {"a\xffb", "a\ufffdb"},
	}
	for name, c := range cases {
		if got := progress.Clean(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestFileIsNoTerminal(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if o := progress.FromFile(f, "xterm", ""); o.Live || o.Color || o.Width() != 80 {
		t.Errorf("a file counts as a terminal: %+v", o)
	}
}

// Every text comes from a server, be it one that should be a single word.
func TestLevelsAndStatesAreHarmless(t *testing.T) {
	t.Parallel()
	for _, color := range []bool{false, true} {
		var out bytes.Buffer
		d := progress.New(&out, progress.Options{Color: color, Zone: time.UTC})
		d.Line(at, "\x1b]0;title\x07", "so\x1burce", "me\x1bssage")
		d.Print(d.State("\x1b[2JCOMPLETED"))
		if strings.ContainsAny(out.String(), "\x1b\x07") {
			t.Errorf("the terminal gets %q", out.String())
		}
	}
}
