package main

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/client"
	"github.com/salvor-io/salvor/internal/config"
)

// The environment variables that commands read, each for the flag of the same name.
const (
	serverVariable    = "SALVOR_SERVER"
	tokenFileVariable = "SALVOR_TOKEN_FILE"
)

// connection is where the server is and who calls.
type connection struct {
	env                       environment
	server, socket, tokenFile string
}

// connects adds the flags of a command that calls the server.
func connects(cmd *cobra.Command, env environment) *connection {
	c := &connection{env: env}
	flags := cmd.Flags()
	flags.StringVar(&c.server, "server", "", "address of the server, such as https://salvor.example.org ($"+serverVariable+")")
	flags.StringVar(&c.socket, "socket", "", "Unix socket of the server on this machine (default "+defaultSocket()+")")
	flags.StringVar(&c.tokenFile, "token-file", "", "file that holds your token ($"+tokenFileVariable+")")
	return c
}

// defaultSocket is where a server that was started here without a configuration listens.
func defaultSocket() string { return filepath.Join("salvor-data", "salvor.sock") }

// client makes the client. Who names no token is who they have logged in as at that server. The flags count more than the environment, a socket that is named more than $SALVOR_SERVER.
func (c *connection) client(ctx context.Context) (*client.Client, error) {
	if c.server != "" && c.socket != "" {
		return nil, usageError{errors.New("--server and --socket are both given: keep one"), "salvor"}
	}
	opt := client.Options{Server: c.server, Socket: c.socket}
	if c.server == "" && c.socket == "" {
		opt.Server, opt.Socket = c.env.getenv(serverVariable), defaultSocket()
	}
	if path := cmp.Or(c.tokenFile, c.env.getenv(tokenFileVariable)); path != "" {
		token, err := config.Secret(path)
		if err != nil {
			return nil, advisedError{err, "name the file that holds your token: --token-file FILE or $" + tokenFileVariable}
		}
		opt.Token = token
	} else if opt.Server != "" {
		token, err := logins{c.env}.token(ctx, opt.Server)
		if err != nil {
			return nil, err
		}
		opt.Token = token
	}
	return client.New(opt)
}
