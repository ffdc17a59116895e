package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// within bounds each test.
const within = 3 * time.Minute

// chromium finds the browser. Where there is none the tests are skipped, unless SALVOR_BROWSER says that there has to be one.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("SALVOR_BROWSER") != "" {
		t.Fatal("there is no chromium: apt-get install chromium")
	}
	t.Skip("there is no chromium: make browser installs it")
	return ""
}

// served is a house that is served by a process of its own.
type served struct {
	t    *testing.T
	said map[string]string
	in   io.Writer
	out  *bufio.Scanner
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "house")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "house")
	cmd := exec.Command("go", "build", "-o", binary, "./test/house/cmd/house")
	cmd.Dir = filepath.Join("..", "..")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the house: %w: %s", err, text)
	}
	return binary, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binary, err := build(); err == nil {
		os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

func serve(t *testing.T) *served {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // it ends with its input
		if err := cmd.Wait(); err != nil {
			t.Errorf("the house: %v", err)
		}
	})
	s := &served{t: t, in: in, out: bufio.NewScanner(out)}
	if !s.out.Scan() || json.Unmarshal(s.out.Bytes(), &s.said) != nil {
		t.Fatalf("the house says %q", s.out.Text())
	}
	return s
}

// do has something happen in the house.
func (s *served) do(what string) {
	s.t.Helper()
	fmt.Fprintln(s.in, what)
	if !s.out.Scan() || s.out.Text() != "done" {
		s.t.Fatalf("%s: %q", what, s.out.Text())
	}
}

func (s *served) incident(name string) string {
	return s.said["address"] + "/incidents/" + s.said[name]
}

// tab is a tab of a browser of its own, and what it complained of.
type tab struct {
	context.Context
	t  *testing.T
	mu sync.Mutex

	complaints []string
}

// screen is what people look at.
type screen struct {
	width, height int64
	scheme        string // light or dark
}

func (s screen) String() string { return fmt.Sprintf("%dx%d-%s", s.width, s.height, s.scheme) }

// open opens a browser, as somebody or as nobody.
func open(t *testing.T, at *served, who string, on screen) *tab {
	t.Helper()
	bounded, cancel := context.WithTimeout(context.Background(), within)
	t.Cleanup(cancel)
	allocated, stop := chromedp.NewExecAllocator(bounded, chromedp.ExecPath(chromium(t)), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	t.Cleanup(stop)
	b := &tab{t: t}
	ctx, end := chromedp.NewContext(allocated, chromedp.WithListener(b.hear))
	t.Cleanup(end)
	b.Context = ctx
	b.run(chromedp.EmulateViewport(on.width, on.height))
	call(b, log.Enable, cdp.Empty{})
	// A page that still glides to what is pressed is under another place of it when the mouse comes up.
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: on.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	if who != "" {
		call(b, network.SetCookie, network.SetCookieParams{Name: at.said["cookie"], Value: at.said[who], URL: at.said["address"]})
	}
	return b
}

// call sends a command to the browser.
func call[P, R any](b *tab, command cdp.Command[P, R], with P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.Context, command, with); err != nil {
		b.t.Fatal(err)
	}
}

// ask runs an action that has an answer.
func ask[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	answer, err := chromedp.Run(b.Context, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer
}

// hear notes what a page complains of: an error of a script, and whatever the content security policy refuses.
func (b *tab) hear(event any) {
	complaint := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			complaint = "a script writes of an " + string(e.Type)
		}
	case *log.EventEntryAdded:
		// That a form was refused is what some tests are about.
		if e.Entry.Level == "error" && !strings.Contains(e.Entry.Text, "the server responded with a status of 4") {
			complaint = e.Entry.Text
		}
	}
	if complaint != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, complaint)
	}
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.Context, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// says evaluates an expression.
func (b *tab) says(expression string) string {
	b.t.Helper()
	return ask(b, chromedp.Evaluate[string]("String("+expression+")"))
}

// until waits until an expression is true.
func (b *tab) until(expression string) {
	b.t.Helper()
	if err := chromedp.Do(b.Context, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(15*time.Second))); err != nil {
		b.t.Fatalf("%s: %v; the page says: %s", expression, err, b.says("document.body.innerText"))
	}
}

// faults finds what is wrong with how a page is laid out: what does not fit its width, what is too small for a thumb, and what is hard to read.
const faults = `(() => {
	const out = [];
	if (document.documentElement.scrollWidth > innerWidth) out.push("it is " + document.documentElement.scrollWidth + " wide on a screen of " + innerWidth);
	const shown = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
	for (const e of document.querySelectorAll("button, summary, a.button, a.jump, input:not([type=hidden]):not([type=checkbox]), textarea, .list a, .tick"))
		if (shown(e) && e.getBoundingClientRect().height < 44) out.push("too small: " + e.outerHTML.slice(0, 80));
	for (const e of document.querySelectorAll("input:not([type=hidden]), textarea"))
		if (shown(e) && e.labels.length === 0) out.push("without a label: " + e.outerHTML.slice(0, 80));
	for (const e of document.querySelectorAll("body *"))
		if (shown(e) && (e.getBoundingClientRect().right > innerWidth + 1) && getComputedStyle(e).position !== "absolute") out.push("cut off: " + e.outerHTML.slice(0, 80));
	const channels = (c) => (c.match(/[\d.]+/g) || []).map(Number);
	const light = (c) => { const [r, g, b] = channels(c).map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
	const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor, n = channels(c); if (n.length === 3 || n[3] > 0) return c; } return "rgb(255,255,255)"; };
	for (const e of document.querySelectorAll("body *")) {
		if (!shown(e) || ![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
		const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
		if (ratio < 4.5) out.push("contrast " + ratio.toFixed(1) + ": " + e.outerHTML.slice(0, 80));
	}
	if (document.querySelectorAll("h1").length !== 1) out.push("not one h1");
	if (!document.documentElement.lang) out.push("no language");
	return out.join("\n");
})()`

// look looks at a page, and keeps a picture of it.
func (b *tab) look(name string, on screen) {
	b.t.Helper()
	if found := b.says(faults); found != "" {
		b.t.Errorf("%s at %s: %s", name, on, found)
	}
	whole := ask(b, chromedp.FullScreenshot(100))
	if err := os.MkdirAll("shots", 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("shots", fmt.Sprintf("%s-%s.png", name, on)), whole, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, complaint := range b.complaints {
		b.t.Errorf("the browser complains: %s", complaint)
	}
}

var (
	phone   = screen{375, 812, "light"}
	screens = []screen{phone, {375, 812, "dark"}, {1280, 800, "light"}, {1280, 800, "dark"}}
)

func TestHowPagesLook(t *testing.T) {
	at := serve(t)
	at.do("begin")
	at.do("step")
	at.do("step")
	for _, on := range screens {
		b := open(t, at, "ada", on)
		for _, page := range []struct{ name, address string }{{"list", at.said["address"] + "/"}, {"running", at.incident("running")}, {"riskiest", at.incident("risky")},
			{"changed", at.incident("zone") + "?plan=0123abcd"}, {"asked", at.incident("zone")}} {
			b.run(chromedp.Navigate(page.address), chromedp.WaitReady("#live"))
			b.look(page.name, on)
		}
		b.run(chromedp.Click("#reject summary"), chromedp.WaitVisible("#why-reject"))
		b.look("rejecting", on)
		b.quiet()
		stranger := open(t, at, "", on)
		stranger.run(chromedp.Navigate(at.said["address"]+"/login?key="+at.said["link"]), chromedp.WaitReady("main"))
		stranger.look("login", on)
		stranger.quiet()
	}
	b := open(t, at, "vera", phone)
	b.run(chromedp.Navigate(at.incident("zone")), chromedp.WaitReady("#live"))
	b.look("viewer", phone)
}

func TestWithoutScripts(t *testing.T) {
	at := serve(t)
	b := open(t, at, "ada", phone)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.run(chromedp.Navigate(at.incident("zone")), chromedp.Click(`button[value=approve]`, chromedp.NodeVisible), chromedp.WaitVisible(".told"))
	told, may := ask(b, chromedp.Text(".told")), ask(b, chromedp.Text(".maynot"))
	if !strings.Contains(told, "Ada approved plan") || !strings.Contains(may, "ada has approved already") {
		t.Errorf("told %q and %q", told, may)
	}
	b.quiet()
}

// TestKeepsCurrent: what happens elsewhere shows without a touch; what somebody types stays, where it is still about the same; and a plan that
// changes under the reader is not approved of by a press that was meant for the one before.
func TestKeepsCurrent(t *testing.T) {
	at := serve(t)
	b := open(t, at, "ada", phone)
	b.run(chromedp.Navigate(at.incident("zone")), chromedp.WaitReady("#live"))
	first := b.says(`document.querySelector(".until strong").textContent`)
	b.run(chromedp.Click("#reject summary"), chromedp.WaitVisible("#why-reject"), chromedp.SendKeys("#why-reject", "the rack"))
	b.until(`document.querySelector(".until strong").textContent !== ` + fmt.Sprintf("%q", first))
	at.do("vote")
	b.until(`document.body.innerText.includes("olga")`)
	b.run(chromedp.SendKeys("#why-reject", " moves"))
	if typed := b.says(`document.activeElement.id + " " + document.getElementById("why-reject").value`); typed != "why-reject the rack moves" {
		t.Errorf("focus and what was typed are %q", typed)
	}
	at.do("change")
	b.until(`document.querySelector(".changed") && document.body.innerText.includes("loses writes of 2 volumes")`)
	if kept := b.says(`document.getElementById("looked").checked + " " + document.getElementById("why-reject").value`); kept != "false the rack moves" {
		t.Errorf("after the change it is %q", kept)
	}
	b.run(chromedp.Click(`button[value=approve]`, chromedp.NodeVisible))
	if at := b.says("location.pathname"); strings.HasSuffix(at, "/say") || b.says(`document.querySelector(".told") === null`) != "true" {
		t.Errorf("it was sent without a tick, to %s", at)
	}
	b.look("changed-live", phone)
	b.run(chromedp.Click(".tick"), chromedp.Click(`button[value=approve]`, chromedp.NodeVisible), chromedp.WaitVisible(".told"))
	if told := b.says(`document.querySelector(".told").textContent`); !strings.Contains(told, "Ada approved plan") {
		t.Errorf("told %q", told)
	}
	b.quiet()
}

func TestTheRiskiestIsTyped(t *testing.T) {
	at := serve(t)
	b := open(t, at, "ada", phone)
	b.run(chromedp.Navigate(at.incident("risky")), chromedp.WaitReady("#live"), chromedp.SendKeys("#typed", "prod-eu"), chromedp.Click(`button[value=approve]`, chromedp.NodeVisible), chromedp.WaitVisible(".refused"))
	b.look("refused", phone)
	b.run(chromedp.SendKeys("#typed", "prod-us"), chromedp.Click(`button[value=approve]`, chromedp.NodeVisible), chromedp.WaitVisible(".told"))
	b.quiet()
}

func TestLogin(t *testing.T) {
	at := serve(t)
	b := open(t, at, "", phone)
	b.run(chromedp.Navigate(at.said["address"]+"/login?key="+at.said["link"]), chromedp.Click("button.primary", chromedp.NodeVisible), chromedp.WaitReady("#live"))
	at.do("list")
	b.until(`document.querySelector(".pages") !== null`)
	b.look("list-many", phone)
	b.run(chromedp.Click("form.who button", chromedp.NodeVisible), chromedp.WaitReady("main.narrow"))
	b.run(chromedp.Navigate(at.incident("zone")), chromedp.WaitReady("main.narrow"))
	if where := b.says("location.pathname"); where != "/login" {
		t.Errorf("who logged out is at %s", where)
	}
	b.quiet()
}
