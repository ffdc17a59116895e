// Command hostdir-csi is a storage system made of directories, as a CSI driver: a volume is a directory with files in it, a
// snapshot is a copy of one. Two clusters whose drivers are given the same root can use each other's volumes and snapshots by
// their handles, as two clusters in front of one storage array can.
//
// It serves the Identity and the Controller service only. Nothing is ever mounted: the pods of the stack have no containers,
// and a test reads and writes the directories itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
)

// longestSocket is the longest path a Unix socket can have on Linux.
const longestSocket = 107

func main() {
	socket := flag.String("socket", "", "path of the Unix socket to serve on")
	root := flag.String("root", "", "folder that holds the volumes and the snapshots")
	mood := flag.String("mood", "", "file that says how the storage system misbehaves; it need not exist")
	flag.Parse()
	if err := guarded(*socket, &driver{disks: disks{root: *root}, mood: moodFile(*mood)}); err != nil {
		fmt.Fprintln(os.Stderr, "hostdir-csi:", err)
		os.Exit(1)
	}
}

// guarded serves until the process is asked to end.
func guarded(socket string, d *driver) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if socket == "" || d.disks.root == "" {
		return errors.New("-socket and -root are needed")
	}
	if err := d.disks.prepare(); err != nil {
		return fmt.Errorf("prepare %s: %w", d.disks.root, err)
	}
	return serve(ctx, socket, d)
}

// serve serves the driver on the socket until ctx ends. A socket left by a process that was killed is taken over.
func serve(ctx context.Context, socket string, d *driver) error {
	if len(socket) > longestSocket {
		return fmt.Errorf("serve on %s: the path has %d bytes, a Unix socket can have %d", socket, len(socket), longestSocket)
	}
	if err := os.RemoveAll(socket); err != nil {
		return fmt.Errorf("remove old socket: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(logged))
	csi.RegisterIdentityServer(server, d)
	csi.RegisterControllerServer(server, d)
	stopServing := context.AfterFunc(ctx, server.GracefulStop)
	defer stopServing()
	return server.Serve(listener)
}

// logged writes every call that changes something, and every one that fails, to the log.
func logged(ctx context.Context, call any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	answer, err := handle(ctx, call)
	method := path.Base(info.FullMethod)
	if err != nil || strings.HasPrefix(method, "Create") || strings.HasPrefix(method, "Delete") {
		fmt.Fprintf(os.Stderr, "%s %s %v: %v\n", time.Now().Format(time.RFC3339Nano), method, call, err)
	}
	return answer, err
}
