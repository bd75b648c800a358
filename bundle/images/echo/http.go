package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"sort"
	"strconv"
	"time"
)

const (
	maxBody  = 64 << 20 // bytes of a request's body that are read
	maxBytes = 10 << 20
	maxDelay = 10 * time.Minute
)

// identity is who answers: what every answer of this process has in common.
type identity struct {
	hostname, name string
	counts         *counts
}

// seen is the JSON form of a request as it arrived.
type seen struct {
	Hostname   string      `json:"hostname"`
	Name       string      `json:"name"`
	IP         []string    `json:"ip"`
	RemoteAddr string      `json:"remoteAddr"`
	Port       int         `json:"port"`
	Method     string      `json:"method"`
	URL        string      `json:"url"`
	Host       string      `json:"host"`
	Proto      string      `json:"proto"`
	TLS        bool        `json:"tls"`
	Headers    http.Header `json:"headers"`
	Trailers   http.Header `json:"trailers,omitempty"`
	BodyLength int         `json:"bodyLength"`
	BodySHA256 string      `json:"bodySha256"`
}

func (who identity) handler() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	routes.HandleFunc("/status/{code}", who.status)
	routes.HandleFunc("/delay/{milliseconds}", who.delay)
	routes.HandleFunc("/bytes/{count}", sendBytes)
	routes.HandleFunc("/count/{id}", who.counts.answer)
	routes.HandleFunc("/sse", sendEvents)
	routes.HandleFunc("/trailers", sendTrailers)
	routes.HandleFunc("/reset", resetHalfway)
	routes.HandleFunc("/ws", who.webSocket)
	calls := newGRPC(who)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get(idHeader); id != "" {
			who.counts.add(id)
		}
		if isGRPC(r) {
			calls.ServeHTTP(w, r)
			return
		}
		w.Header().Set("X-Echo-Hostname", who.hostname)
		w.Header().Set("X-Echo-Method", r.Method) // a HEAD has no body to tell it in
		// The mux redirects unclean paths; an echo must show them as they came.
		if _, pattern := routes.Handler(r); pattern != "" && path.Clean(r.URL.Path) == r.URL.Path {
			routes.ServeHTTP(w, r)
			return
		}
		who.echo(w, r, http.StatusOK)
	})
}

func (who identity) status(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil || code < 200 || code > 599 {
		http.Error(w, "a status is 200 to 599", http.StatusBadRequest)
		return
	}
	who.echo(w, r, code)
}

func (who identity) delay(w http.ResponseWriter, r *http.Request) {
	milliseconds, err := strconv.ParseFloat(r.PathValue("milliseconds"), 64)
	wait := time.Duration(milliseconds * float64(time.Millisecond))
	if err != nil || !(milliseconds >= 0) || wait > maxDelay {
		http.Error(w, "a delay is 0 to 600000 ms", http.StatusBadRequest)
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		who.echo(w, r, http.StatusOK)
	case <-r.Context().Done(): // the client has gone
	}
}

func sendBytes(w http.ResponseWriter, r *http.Request) {
	count, err := strconv.Atoi(r.PathValue("count"))
	if err != nil || count < 0 || count > maxBytes {
		http.Error(w, "a count is 0 to 10485760 bytes", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(count))
	if r.Method == http.MethodHead {
		return
	}
	block := make([]byte, 1<<15)
	for i := range block {
		block[i] = "0123456789abcdef"[i%16]
	}
	for ; count > 0; count -= len(block) {
		if _, err := w.Write(block[:min(count, len(block))]); err != nil {
			return
		}
	}
}

func (who identity) echo(w http.ResponseWriter, r *http.Request, code int) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		}
		return // else the request broke off: nobody is there to answer
	}
	contentType, answer := "text/plain; charset=utf-8", []byte(nil)
	if r.URL.Query().Get("format") == "json" {
		contentType, answer = "application/json", who.json(r, body)
	} else {
		answer = who.text(r, body)
	}
	if code == http.StatusNoContent || code == http.StatusNotModified {
		w.WriteHeader(code)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(code)
	_, _ = w.Write(answer)
}

// text is whoami's form: what this server is, then the request as it stood on the wire.
func (who identity) text(r *http.Request, body []byte) []byte {
	var out bytes.Buffer
	if who.name != "" {
		fmt.Fprintf(&out, "Name: %s\n", who.name)
	}
	fmt.Fprintf(&out, "Hostname: %s\n", who.hostname)
	for _, ip := range localIPs() {
		fmt.Fprintf(&out, "IP: %s\n", ip)
	}
	fmt.Fprintf(&out, "RemoteAddr: %s\n", r.RemoteAddr)
	fmt.Fprintf(&out, "%s %s %s\r\nHost: %s\r\n", r.Method, r.RequestURI, r.Proto, r.Host)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		for _, value := range r.Header[name] {
			fmt.Fprintf(&out, "%s: %s\r\n", name, value)
		}
	}
	out.WriteString("\r\n")
	out.Write(body)
	return out.Bytes()
}

func (who identity) json(r *http.Request, body []byte) []byte {
	answer, err := json.Marshal(who.seen(r, body))
	if err != nil {
		panic(err) // strings and integers always marshal
	}
	return append(answer, '\n')
}

func (who identity) seen(r *http.Request, body []byte) seen {
	port := 0
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		port = local.Port
	}
	sum := sha256.Sum256(body)
	return seen{
		Hostname: who.hostname, Name: who.name, IP: localIPs(), RemoteAddr: r.RemoteAddr, Port: port,
		Method: r.Method, URL: r.RequestURI, Host: r.Host, Proto: r.Proto, TLS: r.TLS != nil,
		Headers: r.Header, Trailers: r.Trailer,
		BodyLength: len(body), BodySHA256: hex.EncodeToString(sum[:]),
	}
}

func localIPs() []string {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	ips := make([]string, 0, len(found))
	for _, address := range found {
		if network, ok := address.(*net.IPNet); ok {
			ips = append(ips, network.IP.String())
		}
	}
	return ips
}
