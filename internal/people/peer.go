package people

import (
	"context"
	"net"
)

type peerKey struct{}

// ConnContext notes in a connection's context which user of this machine is at its other end, when it is a Unix socket and
// the system tells. It has the shape of http.Server.ConnContext, and the middleware counts on it.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	uid, err := peerOf(socket)
	if err != nil {
		return ctx // not known who it is: a token is needed, as on any other connection
	}
	return context.WithValue(ctx, peerKey{}, uid)
}

func peerFrom(ctx context.Context) (uid int, known bool) {
	uid, known = ctx.Value(peerKey{}).(int)
	return uid, known
}
