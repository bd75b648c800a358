package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	longest     = 20 * time.Millisecond // of a delay; the last bucket holds what took longer
	piece       = 64 << 10              // bytes read at once
	dialTimeout = 5 * time.Second
	setSlack    = 29 // PR_SET_TIMERSLACK
)

// relay holds every piece that a client sends for delay, and counts by the microsecond how long that really was.
type relay struct {
	to    string
	delay time.Duration
	held  [longest/time.Microsecond + 1]atomic.Uint64
}

func (r *relay) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Printf("accept: %v", err)
			continue
		}
		go r.carry(client.(*net.TCPConn))
	}
}

func (r *relay) carry(client *net.TCPConn) {
	defer client.Close()
	dialed, err := net.DialTimeout("tcp", r.to, dialTimeout)
	if err != nil {
		log.Printf("%s: %v", client.RemoteAddr(), err)
		return
	}
	defer dialed.Close()
	server := dialed.(*net.TCPConn)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		pass(server, client, func() {})
	}()
	pass(client, server, r.hold)
	<-answered
}

// pass copies until from ends, and then ends to in that direction.
func pass(from, to *net.TCPConn, before func()) {
	buffer := make([]byte, piece)
	for {
		count, err := from.Read(buffer)
		if count > 0 {
			before()
			if _, failed := to.Write(buffer[:count]); failed != nil {
				_ = from.CloseRead()
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = to.CloseWrite()
}

// hold takes the delay, and counts what it took.
func (r *relay) hold() {
	began := time.Now()
	if r.delay > 0 {
		sleepUntil(began.Add(r.delay))
	}
	took := min(time.Since(began), longest)
	r.held[took/time.Microsecond].Add(1)
}

// sleepUntil is the thread's own sleep: the runtime's timers wake with its poller, which counts in milliseconds.
func sleepUntil(end time.Time) {
	runtime.LockOSThread() // the slack is a thread's
	defer runtime.UnlockOSThread()
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setSlack, 1, 0) // 1 ns, where 50 us are usual
	for left := time.Until(end); left > 0; left = time.Until(end) { // a signal may wake it early
		wanted := syscall.NsecToTimespec(left.Nanoseconds())
		_ = syscall.Nanosleep(&wanted, nil)
	}
}

func (r *relay) handler() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	routes.HandleFunc("/delays", r.tell)
	return routes
}

// told is what a relay says of its delays: how many took each number of whole microseconds.
type told struct {
	DelayUS int64             `json:"delay_us"`
	HeldUS  map[string]uint64 `json:"held_us"`
}

func (r *relay) tell(w http.ResponseWriter, _ *http.Request) {
	held := map[string]uint64{}
	for microseconds := range r.held {
		if count := r.held[microseconds].Load(); count > 0 {
			held[strconv.Itoa(microseconds)] = count
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(told{DelayUS: r.delay.Microseconds(), HeldUS: held})
}
