package jetstream

import (
	"fmt"
	"log/slog"
	"sync/atomic"
)

// serverLog writes what the embedded server says to slog. What the server notices is a detail here; only its warnings and
// errors are of interest to whoever runs Salvor.
type serverLog struct {
	log   *slog.Logger
	fatal atomic.Pointer[string] // the last reason for which the server gave up starting
}

func (l *serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Tracef(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l *serverLog) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }

func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.fatal.Store(&text)
	l.log.Error(text)
}
