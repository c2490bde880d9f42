package e2e

import (
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestPagesInABrowser follows one operation in the browser while it runs.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI()
	b := newBrowser(s, apiToken)
	s.startWorker()
	b.screen(1200, 900, "light")

	b.open("/")
	b.untilText("There is no operation yet")
	s.sim.HoldNext("sources/discover_schema", true)
	token := s.submit("provision", wish{}.descriptor())
	b.until("the running operation, without anybody loading the page again",
		`document.querySelector("tbody .state")?.textContent.includes("RUNNING")`)
	b.shot("list-running")

	// By keyboard alone: past the link that skips the head, to the search.
	b.open("/")
	b.keys("\t")
	if !b.truth(`document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().left >= 0`) {
		t.Error("the first stop of the keyboard is not the visible link to the content")
	}
	b.until("the search has the focus", `(document.querySelector("[name=q]").focus(), document.activeElement.name === "q")`)
	b.keys("FINANCE:orders\r")
	b.until("the search's address", `location.search.includes("q=FINANCE%3Aorders")`)
	b.untilText("urn:dmb:cmp:finance:orders:0:ingest")
	b.until("the row's link", `(document.querySelector("tbody a").focus(), document.activeElement.matches("tbody a"))`)
	b.keys("\r")
	b.until("the operation's own page", `location.pathname === "/operations/`+token+`"`)
	b.untilText("Reading the source's schema")
	b.untilText("create connection")
	b.shot("operation-running")
	b.until("a step that is going on", `document.querySelectorAll("[aria-current=step]").length === 1`)
	if err := s.sim.WaitHeld(t.Context(), "sources/discover_schema", 1); err != nil {
		t.Fatal(err)
	}
	s.sim.Release("*", 0)
	b.untilText("COMPLETED") // again by itself
	b.untilText("Created the source")
	b.until("it rests", `!document.documentElement.dataset.every && document.getElementById("live").textContent === ""`)
	b.shot("operation-completed")
	if !b.truth(`[...document.querySelectorAll("dd a")].some(a => a.href.startsWith(` + strconv.Quote(s.env["AIRBYTE_BASE_URL"]) + `) && a.href.includes("/connections/"))`) {
		t.Error("there is no link to the connection in Airbyte")
	}
	b.until("the way to asynqmon", `[...document.querySelectorAll("a")].some(a => a.pathname === "/monitoring/queues/provision/tasks/`+token+`")`)
	b.quiet()

	// On a phone, in the dark.
	b.screen(390, 844, "dark")
	for name, path := range map[string]string{"phone-list": "/", "phone-operation": "/operations/" + token} {
		b.open(path)
		b.until("the end", `document.querySelector(".state")?.textContent.includes("COMPLETED")`)
		b.shot(name)
		if !b.truth(`document.documentElement.scrollWidth <= innerWidth`) {
			t.Errorf("%s is wider than a phone", path)
		}
		if b.truth(`getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)"`) {
			t.Errorf("%s is white in the dark", path)
		}
	}
	b.quiet()

	// Without scripts the same is there, and the browser loads it again by itself.
	s.sim.HoldNext("sources/list", false)
	again := s.submit("provision", wish{Connection: "renamed"}.descriptor())
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.open("/operations/" + again)
	b.untilText("The request was accepted.")
	s.sim.RemoveFaults()
	s.sim.Release("*", 0)
	b.untilText("COMPLETED")
}

// TestAnOutageInABrowser has a page that could not be shown appear by itself once it can.
func TestAnOutageInABrowser(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI()
	b := newBrowser(s, apiToken)
	s.redis.Kill()
	b.open("/")
	b.untilText("cannot be used now")
	s.redis.Restart()
	b.untilText("There is no operation yet")
	b.until("the list keeps itself up to date", `document.documentElement.dataset.every === "3000"`)
}

// TestMonitoringAndDocsInABrowser has the two other pages render with nothing from elsewhere.
func TestMonitoringAndDocsInABrowser(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI()
	s.startWorker()
	token := s.submit("provision", wish{}.descriptor())
	s.awaitState(token, "COMPLETED")
	b := newBrowser(s, apiToken)
	b.screen(1200, 900, "light")

	b.open("/monitoring")
	b.untilText("Tasks Processed")
	b.untilText("unprovision")
	b.until("its logo and icons", `document.querySelectorAll("header svg").length > 0`)
	b.shot("monitoring")
	b.open("/monitoring/queues/provision/tasks/" + token)
	b.untilText("Task Info")
	b.untilText("urn:dmb:cmp:finance:orders:0:ingest")
	b.shot("monitoring-task")
	b.quiet()

	b.open("/docs")
	b.untilText("/v1/provision/{token}/status")
	if b.truth(`getComputedStyle(document.querySelector("code.method")).borderStyle === "none"`) {
		t.Error("the docs' style sheet does not count")
	}
	b.shot("docs")
	b.until("the way back, by keyboard", `(document.querySelector("header a").focus(), document.activeElement.pathname === "/")`)
	b.keys("\r")
	b.until("the operations", `location.pathname === "/" && document.querySelector("tbody .state")?.textContent.includes("COMPLETED")`)
	b.quiet()
}

// TestAuthenticationInABrowser has users who know the token, another word, or none.
func TestAuthenticationInABrowser(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		password string
		status   int64
	}{"the token": {apiToken, 200}, "another word": {"wrong", 401}, "none": {"", 401}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, nil)
			s.startAPI()
			b := newBrowser(s, c.password)
			for _, path := range []string{"/", "/docs", "/monitoring"} {
				// A browser whose user gives up shows the answer to the request without credentials.
				_ = chromedp.Do(b.ctx, chromedp.Navigate("http://"+s.api+path))
				b.mu.Lock()
				if b.status != c.status || b.challenges == 0 {
					t.Errorf("%s answered %d, and the user was asked %d times", path, b.status, b.challenges)
				}
				if c.status != 200 {
					b.challenges = 0 // a browser remembers what was right only
				}
				b.status = 0
				b.mu.Unlock()
			}
		})
	}
}
