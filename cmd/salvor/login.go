package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/client"
	"github.com/salvor-io/salvor/internal/oidc"
	"github.com/salvor-io/salvor/internal/timeline"
)

func newLoginCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Log in at a server by your identity provider",
		Long: `Log in by the identity provider that the server names. Open the address that is printed in a browser on this machine, or, with --device,
the shorter one in any browser. The token is kept for you alone in salvor/login.json below $XDG_CONFIG_HOME (default ~/.config), and the other
commands use it for that server when they are given no --token-file.`,
		Example: "  salvor login --server https://salvor.example.org",
		Args:    usage(cobra.NoArgs),
	}
	server := cmd.Flags().String("server", "", "address of the server ($"+serverVariable+")")
	device := cmd.Flags().Bool("device", false, "log in by a browser of another machine")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		at, err := loginServer(cmp.Or(*server, env.getenv(serverVariable)), cmd.CommandPath())
		if err != nil {
			return err
		}
		got, err := logIn(cmd.Context(), env, at, *device, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		if err := (logins{env}).keep(at, got); err != nil {
			return err
		}
		return tellMe(cmd.Context(), cmd.OutOrStdout(), client.Options{Server: at, Token: got.ID})
	}
	return cmd
}

// loginServer is where to log in: an address to which a token can be sent.
func loginServer(server, command string) (string, error) {
	if server == "" {
		return "", usageError{errors.New("it is not said where: over the socket of this machine nobody has to log in"), command}
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return "", usageError{fmt.Errorf("use server %q: want an http or https address", server), command}
	}
	ip := net.ParseIP(u.Hostname())
	if own := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback(); u.Scheme != "https" && !own {
		return "", usageError{fmt.Errorf("use server %q: a token is sent over https alone", server), command}
	}
	return serverName(server), nil
}

// logIn gets the tokens. What somebody has to do for it is told on w.
func logIn(ctx context.Context, env environment, server string, device bool, w io.Writer) (login, error) {
	c, err := client.New(client.Options{Server: server})
	if err != nil {
		return login{}, err
	}
	where, err := c.Login(ctx)
	if err != nil {
		return login{}, err
	}
	flow := oidc.Flow{Issuer: where.Issuer, ClientID: where.ClientID, Clock: env.now}
	var got oidc.Tokens
	if device {
		got, err = flow.Device(ctx, func(address, code string) error {
			_, err := fmt.Fprintf(w, "open %s and type %s\n", timeline.Plain(address), timeline.Plain(code))
			return err
		})
	} else {
		got, err = flow.Browser(ctx, func(address string) error {
			_, err := fmt.Fprintf(w, "open %s\n", timeline.Plain(address))
			return err
		})
	}
	if err != nil {
		return login{}, advisedError{fmt.Errorf("log in at %s: %w", where.Issuer, err), "salvor login --server " + server}
	}
	return login{Tokens: got, Issuer: where.Issuer, ClientID: where.ClientID}, nil
}

func newLogoutCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Forget the login at a server",
		Long:  "Forget the login at a server. The token is good until it is over, for whoever has a copy of it.",
		Args:  usage(cobra.NoArgs),
	}
	server := cmd.Flags().String("server", "", "address of the server ($"+serverVariable+")")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		at := serverName(cmp.Or(*server, env.getenv(serverVariable)))
		if at == "" {
			return usageError{errors.New("it is not said where: --server is missing"), cmd.CommandPath()}
		}
		known, err := logins{env}.forget(at)
		if err != nil {
			return err
		}
		text := "logged out of " + at
		if !known {
			text = "nobody was logged in at " + at
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
		return err
	}
	return cmd
}

func newWhoamiCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{Use: "whoami", Short: "Say who you are to the server, and what you may", Args: usage(cobra.NoArgs)}
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		me, err := c.Me(cmd.Context())
		if err != nil {
			return err
		}
		return out.print(cmd.OutOrStdout(), me, func(w io.Writer) error { return writeMe(w, me) })
	}
	return cmd
}

// tellMe says who somebody is to a server.
func tellMe(ctx context.Context, w io.Writer, opt client.Options) error {
	c, err := client.New(opt)
	if err != nil {
		return err
	}
	me, err := c.Me(ctx)
	if err != nil {
		return err
	}
	return writeMe(w, me)
}
