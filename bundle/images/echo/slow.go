package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	maxParts   = 10_000
	maxPart    = 1 << 20               // bytes
	resetAfter = 50 * time.Millisecond // a reset overtakes bytes that the peer has not read yet
	halfBody   = 500                   // bytes of the body that /reset sends; twice as many are announced
)

// sendEvents answers with Server-Sent Events, each flushed by itself: ?count=N&every=MS.
func sendEvents(w http.ResponseWriter, r *http.Request) {
	count, every, ok := pace(w, r.URL.Query(), "count", 5)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	send(w, r, count, every, func(i int) []byte { return fmt.Appendf(nil, "data: %d\n\n", i) })
}

// sendTrailers answers in parts, each flushed by itself, and tells their hash in a trailer: ?parts=N&every=MS&bytes=N.
func sendTrailers(w http.ResponseWriter, r *http.Request) {
	parts, every, ok := pace(w, r.URL.Query(), "parts", 3)
	if !ok {
		return
	}
	size, ok := number(w, r.URL.Query(), "bytes", 16, maxPart)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Trailer", "X-Echo-Trailer")
	sum := sha256.New()
	send(w, r, parts, every, func(i int) []byte {
		part := bytes.Repeat([]byte{"0123456789abcdef"[i%16]}, size)
		sum.Write(part)
		return part
	})
	w.Header().Set("X-Echo-Trailer", fmt.Sprintf("%x", sum.Sum(nil)))
}

// send writes count parts, one every so often, until the client goes away.
func send(w http.ResponseWriter, r *http.Request, count int, every time.Duration, part func(int) []byte) {
	out := http.NewResponseController(w)
	ticker := time.NewTicker(max(every, time.Nanosecond))
	defer ticker.Stop()
	for i := range count {
		if i > 0 {
			select {
			case <-ticker.C:
			case <-r.Context().Done():
				return
			}
		}
		if _, err := w.Write(part(i)); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
	}
}

// resetHalfway sends half of the body that it announced, then resets the connection (over HTTP/2, the stream).
func resetHalfway(w http.ResponseWriter, _ *http.Request) {
	half := bytes.Repeat([]byte("x"), halfBody)
	w.Header().Set("Content-Length", strconv.Itoa(2*halfBody))
	_, _ = w.Write(half)
	out := http.NewResponseController(w)
	_ = out.Flush()
	time.Sleep(resetAfter)
	connection, _, err := out.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if plain, ok := connection.(*net.TCPConn); ok {
		_ = plain.SetLinger(0)
	}
	connection.Close()
}

func pace(w http.ResponseWriter, query url.Values, name string, usual int) (int, time.Duration, bool) {
	count, ok := number(w, query, name, usual, maxParts)
	if !ok {
		return 0, 0, false
	}
	every, ok := number(w, query, "every", 0, int(maxDelay.Milliseconds()))
	return count, time.Duration(every) * time.Millisecond, ok
}

func number(w http.ResponseWriter, query url.Values, name string, usual, most int) (int, bool) {
	if !query.Has(name) {
		return usual, true
	}
	value, err := strconv.Atoi(query.Get(name))
	if err != nil || value < 0 || value > most {
		http.Error(w, fmt.Sprintf("%s is 0 to %d", name, most), http.StatusBadRequest)
		return 0, false
	}
	return value, true
}
