// The command visit opens a page in a real Chromium, as whoever a one-time link stands for, keeps pictures of it as phones and desktops show it, presses a
// button of it if one is named, and prints what it is told.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// within bounds a visit.
const within = 60 * time.Second

// visit is what is done on a page.
type visit struct {
	page, link, press string
	shots, name       string
}

func main() {
	var v visit
	flag.StringVar(&v.page, "page", "", "address of the page")
	flag.StringVar(&v.link, "link", "", "one-time link by which to log in first; default: nobody logs in")
	flag.StringVar(&v.press, "press", "", "value of the button to press; default: none")
	flag.StringVar(&v.shots, "shots", "", "folder for pictures; default: none are kept")
	flag.StringVar(&v.name, "name", "page", "what the names of the pictures begin with")
	flag.Parse()
	told, err := v.pay()
	if err != nil {
		fmt.Fprintln(os.Stderr, "visit", v.page+":", err)
		os.Exit(1)
	}
	fmt.Println(told)
}

func (v visit) pay() (told string, err error) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return "", fmt.Errorf("find a browser: %w", err)
	}
	bounded, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	allocated, stop := chromedp.NewExecAllocator(bounded, chromedp.ExecPath(chromium), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	defer stop()
	ctx, end := chromedp.NewContext(allocated)
	defer end()
	if v.link != "" {
		err := chromedp.Do(ctx, chromedp.Navigate(v.link), chromedp.Click("button.primary", chromedp.NodeVisible), chromedp.WaitReady("#live"))
		if err != nil {
			return "", fmt.Errorf("log in: %w", err)
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(v.page), chromedp.WaitReady("body")); err != nil {
		return "", fmt.Errorf("open it: %w", err)
	}
	if err := v.look(ctx); err != nil {
		return "", fmt.Errorf("take pictures: %w", err)
	}
	return v.pressed(ctx)
}

// look keeps a picture of the page for each kind of screen.
func (v visit) look(ctx context.Context) error {
	if v.shots == "" {
		return nil
	}
	for _, scheme := range []string{"light", "dark"} {
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
			return err
		}
		if err := v.keep(ctx, "phone-"+scheme, chromedp.CaptureScreenshot(), chromedp.EmulateViewport(375, 812, chromedp.EmulateScale(2))); err != nil {
			return err
		}
		if err := v.keep(ctx, "desktop-"+scheme, chromedp.FullScreenshot(100), chromedp.EmulateViewport(1080, 600)); err != nil {
			return err
		}
	}
	return nil
}

// keep keeps one picture: of a phone what its screen shows, of a desktop the whole page.
func (v visit) keep(ctx context.Context, screen string, take chromedp.Action[[]byte], on chromedp.Action[chromedp.Void]) error {
	if err := chromedp.Do(ctx, on); err != nil {
		return err
	}
	picture, err := chromedp.Run(ctx, take)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(v.shots, v.name+"-"+screen+".png"), picture, 0o600)
}

// pressed presses the button, and reads what the page says of it.
func (v visit) pressed(ctx context.Context) (told string, err error) {
	if v.press == "" {
		return "", nil
	}
	err = chromedp.Do(ctx, chromedp.Click(fmt.Sprintf("button[value=%q]", v.press), chromedp.NodeVisible), chromedp.WaitVisible(".told"))
	if err != nil {
		return "", fmt.Errorf("press %s: %w", v.press, err)
	}
	return chromedp.Run(ctx, chromedp.Text(".told"))
}
