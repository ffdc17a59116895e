// Package client calls the API of a running Salvor, over its Unix socket or by URL with a token.
package client
