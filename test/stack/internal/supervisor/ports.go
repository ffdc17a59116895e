package supervisor

import (
	"fmt"
	"net"
	"os"
)

// The ports lie below the range from which the kernel hands out ports by itself, so that no outgoing connection and no
// other test can take one between its choice and its use. Each process id starts its search in a block of its own, so that
// two stacks do not race for the same.
const (
	firstPort = 20000
	lastPort  = 32000
	portBlock = 20
)

// ports hands out free loopback ports, none of them twice.
type ports struct {
	next int
}

func newPorts() *ports {
	blocks := (lastPort - firstPort) / portBlock
	return &ports{next: firstPort + os.Getpid()%blocks*portBlock}
}

// free returns a port nobody listens on.
func (p *ports) free() (int, error) {
	for range lastPort - firstPort {
		port := p.next
		if p.next++; p.next >= lastPort {
			p.next = firstPort
		}
		listener, err := net.Listen("tcp", address(port))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d", firstPort, lastPort)
}

// several returns n free ports.
func (p *ports) several(n int) ([]int, error) {
	found := make([]int, n)
	for i := range found {
		port, err := p.free()
		if err != nil {
			return nil, err
		}
		found[i] = port
	}
	return found, nil
}

func address(port int) string {
	return fmt.Sprintf("127.0.0.1:%d", port)
}
