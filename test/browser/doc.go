// Package browser tries the console in a real Chromium. It is a module of its own, so that what drives a browser is no dependency of Salvor.
package browser
