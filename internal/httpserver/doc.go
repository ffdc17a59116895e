// Package httpserver serves what it is given, on a TCP address and on a Unix socket: with deadlines against slow clients, a
// request id on each answer, a log line for each request at debug, and no panic that takes the process down. It adds /livez
// (the process runs) and /readyz (all named checks pass).
package httpserver
