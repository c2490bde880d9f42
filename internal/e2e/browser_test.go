package e2e

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdpfetch "github.com/chromedp/cdproto/fetch"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a tab of a real browser, whose user may know a password.
type browser struct {
	t        *testing.T
	ctx      context.Context //nolint:containedctx // chromedp keeps the tab in it
	api      string
	password string

	mu         sync.Mutex
	challenges int      // how often the user was asked
	status     int64    // of the last page
	complaints []string // errors and violations that the browser told its console
	elsewhere  []string // addresses of other servers that a page asked for
}

// newBrowser opens a tab on the stack's API. Where there is no browser, the test
// is skipped, unless the variable BROWSER is "required".
func newBrowser(s *stack, password string) *browser {
	t := s.t
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(findBrowser(t)), chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-dev-shm-usage", true), // which is small in a container
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses its sandbox to root
	}
	b := &browser{t: t, api: s.api, password: password}
	ctx, stop := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(options...), chromedp.WithListener(b.heard))
	b.ctx = ctx
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser's end, so that its directory can be removed
		stop()
	})
	yes := true
	b.must(chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	call(b, cdpfetch.Enable, cdpfetch.EnableParams{HandleAuthRequests: &yes})
	call(b, network.Enable, network.EnableParams{})
	call(b, runtime.Enable, cdp.Empty{})
	call(b, cdplog.Enable, cdp.Empty{})
	return b
}

func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	const missing = "no Chromium on PATH; on Debian: apt-get install chromium"
	if os.Getenv("BROWSER") == "required" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// call sends one command of the protocol.
func call[P, R any](b *browser, command cdp.Command[P, R], params P) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, command, params)
	b.must(err)
}

func (b *browser) must(err error) {
	b.t.Helper()
	if err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.documentElement.outerHTML`))
		b.t.Fatalf("%v; the page is\n%.4000s", err, text)
	}
}

// heard sees to one event of the tab. It must not wait, so what is to be sent is sent beside it.
func (b *browser) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *cdpfetch.EventAuthRequired:
		b.challenges++
		reply := &cdpfetch.AuthChallengeResponse{Response: cdpfetch.AuthChallengeResponseResponseCancelAuth}
		if b.password != "" && b.challenges < 3 {
			reply = &cdpfetch.AuthChallengeResponse{
				Response: cdpfetch.AuthChallengeResponseResponseProvideCredentials, Username: "me", Password: b.password,
			}
		}
		go func() {
			_, _ = chromedp.Call(b.ctx, cdpfetch.ContinueWithAuth, cdpfetch.ContinueWithAuthParams{RequestID: e.RequestID, AuthChallengeResponse: reply})
		}()
	case *cdpfetch.EventRequestPaused:
		go func() {
			_, _ = chromedp.Call(b.ctx, cdpfetch.ContinueRequest, cdpfetch.ContinueRequestParams{RequestID: e.RequestID})
		}()
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Host != b.api && u.Scheme != "data" && u.Scheme != "about" {
			b.elsewhere = append(b.elsewhere, e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.status = e.Response.Status
		}
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Text)
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError {
			b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.Navigate("http://"+b.api+path)))
}

// keys presses keys.
func (b *browser) keys(keys string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(keys)))
}

// truth is what an expression is in the page.
func (b *browser) truth(expression string) bool {
	b.t.Helper()
	is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
	b.must(err)
	return is
}

// until waits until an expression is true in the page, or in the next one.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		// While a page is replaced by another there is none to ask.
		if is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")")); err == nil && is {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
			b.t.Fatalf("never seen: %s; the page is %.4000s", what, text)
		}
	}
}

// untilText waits until the page shows a text.
func (b *browser) untilText(text string) {
	b.t.Helper()
	b.until("the text "+text, `document.body.innerText.includes(`+strconv.Quote(text)+`)`)
}

// quiet fails the test if the browser complained, or a page asked for something elsewhere.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		b.t.Errorf("the browser complains:\n%s", strings.Join(b.complaints, "\n"))
	}
	if len(b.elsewhere) > 0 {
		b.t.Errorf("the pages ask for what is elsewhere:\n%s", strings.Join(b.elsewhere, "\n"))
	}
}

// shot keeps a picture of the page where the variable SCREENSHOTS names a directory.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	b.must(err)
	b.must(os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600))
}

// screen makes the tab as large as a device's, with its colours.
func (b *browser) screen(width, height int64, scheme string) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600,
	})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}
