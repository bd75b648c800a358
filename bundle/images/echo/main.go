// Command echo tells a client what the server saw: whoami's text form over HTTP (or JSON with ?format=json),
// and an echo over TCP and UDP that answers WHO with its name.
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
	name := flag.String("name", "", "name in JSON answers, to tell several of these apart")
	drain := flag.Duration("drain", drainTime, "keep serving this long after SIGTERM")
	flag.Var(&web, "http", "comma list of HTTP/1.1 and h2c addresses")
	flag.Var(&stream, "tcp", "comma list of TCP echo addresses")
	flag.Var(&datagram, "udp", "comma list of UDP echo addresses")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var servers []*http.Server
	for _, address := range web {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatalf("http %s: %v", address, err)
		}
		server := newServer(identity{hostname: hostname, name: *name})
		servers = append(servers, server)
		go func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				log.Fatalf("http %s: %v", address, err)
			}
		}()
	}
	for _, address := range stream {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatalf("tcp %s: %v", address, err)
		}
		go serveTCP(listener, hostname)
	}
	for _, address := range datagram {
		socket, err := net.ListenPacket("udp", address)
		if err != nil {
			log.Fatalf("udp %s: %v", address, err)
		}
		go serveUDP(socket, hostname)
	}
	log.Printf("serving http %s, tcp %s, udp %s", &web, &stream, &datagram)
	<-ctx.Done()
	stop() // a second signal ends it at once
	time.Sleep(*drain)
	shutDown(servers)
}

func newServer(who identity) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
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
