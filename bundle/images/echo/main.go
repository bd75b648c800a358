// Command echo tells a client what the server saw: whoami's text form over HTTP (or JSON with ?format=json), an echo
// over gRPC, WebSocket, TCP and UDP, and the ways in which a server can be slow, silent or broken.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	idleTimeout   = 15 * time.Minute // a proxy's idle connections must not be cut from this side first
	drainTime     = 5 * time.Second  // keeps serving while proxies learn that this endpoint goes away
	shutdownLimit = 10 * time.Second
)

// addresses is a comma list of listen addresses; "" switches a protocol off.
type addresses []string

func (a *addresses) String() string { return strings.Join(*a, ",") }

func (a *addresses) Set(text string) error {
	*a = nil
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			*a = append(*a, part)
		}
	}
	return nil
}

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC | log.Lmicroseconds)
	hostname, err := os.Hostname()
	if err != nil {
		log.Fatalf("hostname: %v", err)
	}
	web, stream, datagram := addresses{":8080"}, addresses{":9000"}, addresses{":9001"}
	var secure, greeting, closing addresses
	name := flag.String("name", "", "name in JSON answers, to tell several of these apart")
	drain := flag.Duration("drain", drainTime, "keep serving this long after SIGTERM")
	flag.Var(&web, "http", "comma list of HTTP/1.1 and h2c addresses")
	flag.Var(&stream, "tcp", "comma list of TCP echo addresses")
	flag.Var(&datagram, "udp", "comma list of UDP echo addresses")
	flag.Var(&secure, "https", "comma list of addresses that serve the same over TLS; needs -cert and -key")
	flag.Var(&greeting, "greet", "comma list of TCP addresses that speak first, then echo")
	flag.Var(&closing, "close", "comma list of TCP addresses that read a request and close without an answer")
	certificate := flag.String("cert", "", "file with the certificate chain, PEM")
	key := flag.String("key", "", "file with the certificate's key, PEM")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	who := newIdentity(hostname, *name)
	servers := serveWeb(web, who, (*http.Server).Serve)
	servers = append(servers, serveWeb(secure, who, func(server *http.Server, listener net.Listener) error {
		return server.ServeTLS(listener, *certificate, *key)
	})...)
	for _, listener := range listen(stream) {
		go acceptTCP(listener, func(connection *net.TCPConn) { echoTCP(connection, hostname) })
	}
	for _, listener := range listen(greeting) {
		go acceptTCP(listener, func(connection *net.TCPConn) { greetTCP(connection, hostname) })
	}
	for _, listener := range listen(closing) {
		go acceptTCP(listener, who.closeUnanswered)
	}
	for _, address := range datagram {
		socket, err := net.ListenPacket("udp", address)
		if err != nil {
			log.Fatalf("udp %s: %v", address, err)
		}
		go serveUDP(socket, hostname)
	}
	log.Printf("serving http %s, https %s, tcp %s, udp %s, greeting %s, closing %s",
		&web, &secure, &stream, &datagram, &greeting, &closing)
	<-ctx.Done()
	stop() // a second signal ends it at once
	time.Sleep(*drain)
	shutDown(servers)
}

func listen(on addresses) []net.Listener {
	listeners := make([]net.Listener, 0, len(on))
	for _, address := range on {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatalf("listen on %s: %v", address, err)
		}
		listeners = append(listeners, listener)
	}
	return listeners
}

func serveWeb(on addresses, who identity, serve func(*http.Server, net.Listener) error) []*http.Server {
	servers := make([]*http.Server, 0, len(on))
	for _, listener := range listen(on) {
		server := newServer(who)
		servers = append(servers, server)
		go func() {
			if err := serve(server, listener); !errors.Is(err, http.ErrServerClosed) {
				log.Fatalf("%s: %v", listener.Addr(), err)
			}
		}()
	}
	return servers
}

func newServer(who identity) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true) // over TLS
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           who.handler(),
		Protocols:         protocols,
		IdleTimeout:       idleTimeout,
		ReadHeaderTimeout: 30 * time.Second,
	}
}

func shutDown(servers []*http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	var all sync.WaitGroup
	for _, server := range servers {
		all.Go(func() { _ = server.Shutdown(ctx) })
	}
	all.Wait()
}
