// Command relay passes bytes between a client and a server, what the client sends after a known delay: a hop that costs
// what it says. It measures every delay, so that what is asked of the measure is known and not assumed.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// A thread that sleeps keeps its P until the runtime takes that away, which may be 10 ms later: with as many as there
// are processors, other connections would wait for it.
const procs = 64

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC | log.Lmicroseconds)
	on := flag.String("listen", ":8080", "address to relay from")
	to := flag.String("to", "", "address to relay to")
	tell := flag.String("tell", ":8081", "HTTP address of /health and /delays")
	delay := flag.Duration("delay", 0, "how long each piece from a client is held; a request that fits a segment is one")
	flag.Parse()
	if *to == "" || *delay < 0 || *delay > longest {
		log.Fatalf("-to %q, -delay %s: expected an address, and a delay of at most %s", *to, *delay, longest)
	}
	runtime.GOMAXPROCS(procs)
	listener, err := net.Listen("tcp", *on)
	if err != nil {
		log.Fatal(err)
	}
	relay := &relay{to: *to, delay: *delay}
	go relay.serve(listener)
	teller := &http.Server{Addr: *tell, Handler: relay.handler(), ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go func() {
		<-ctx.Done()
		_ = teller.Close()
	}()
	log.Printf("relaying %s to %s, held for %s; telling on %s", *on, *to, *delay, *tell)
	if err := teller.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
