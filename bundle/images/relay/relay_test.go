package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// relayed is a relay in front of a server, and the address where clients find it.
func relayed(t *testing.T, to string, delay time.Duration) (*relay, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	made := &relay{to: to, delay: delay}
	go made.serve(listener)
	return made, listener.Addr().String()
}

func web(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Host, body)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func tellingOf(t *testing.T, made *relay) map[int]uint64 {
	t.Helper()
	answer := httptest.NewRecorder()
	made.handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/delays", nil))
	var said told
	if err := json.Unmarshal(answer.Body.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	if said.DelayUS != made.delay.Microseconds() {
		t.Errorf("tells a delay of %d us, was given %s", said.DelayUS, made.delay)
	}
	held := map[int]uint64{}
	for text, count := range said.HeldUS {
		microseconds, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		held[microseconds] = count
	}
	return held
}

func total(held map[int]uint64) uint64 {
	sum := uint64(0)
	for _, count := range held {
		sum += count
	}
	return sum
}

func median(held map[int]uint64) int {
	seen := uint64(0)
	for microseconds := 0; ; microseconds++ {
		if seen += held[microseconds]; 2*seen >= total(held) {
			return microseconds
		}
	}
}

func TestEveryRequestIsHeldOnceAndForWhatWasAsked(t *testing.T) {
	const requests = 200
	for _, delay := range []time.Duration{0, 500 * time.Microsecond, time.Millisecond, 5 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			made, address := relayed(t, web(t), delay)
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			quickest := time.Hour
			for range requests {
				began := time.Now()
				answer, err := client.Get("http://" + address)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(answer.Body)
				answer.Body.Close()
				quickest = min(quickest, time.Since(began))
				if wanted := "GET " + address + " "; string(body) != wanted {
					t.Fatalf("got %q, expected %q", body, wanted)
				}
			}
			held := tellingOf(t, made)
			if total(held) != requests {
				t.Errorf("held %d times, %d requests were sent", total(held), requests)
			}
			asked := int(delay / time.Microsecond)
			t.Logf("median of the delays %d us", median(held))
			if found := median(held); found < asked || found > asked+100 {
				t.Errorf("the median of the delays is %d us, asked for %d", found, asked)
			}
			if quickest < delay {
				t.Errorf("a request took %s, less than the delay", quickest)
			}
		})
	}
}

func TestSleepersDoNotKeepEachOther(t *testing.T) {
	const atOnce, delay, batches = 16, 5 * time.Millisecond, 20
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	_, address := relayed(t, web(t), delay)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	defer client.CloseIdleConnections()
	quickest := time.Hour
	for range batches {
		began := time.Now()
		ended := make(chan error, atOnce)
		for range atOnce {
			go func() {
				answer, err := client.Get("http://" + address)
				if err == nil {
					answer.Body.Close()
				}
				ended <- err
			}()
		}
		for range atOnce {
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		}
		quickest = min(quickest, time.Since(began))
	}
	if inTurn := atOnce * delay; quickest > inTurn/2 {
		t.Errorf("%d requests at once took %s, in turn they would %s", atOnce, quickest, inTurn)
	}
}

func TestBytesAndTheirEndPassUnchangedInBothDirections(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		connection, err := server.Accept()
		if err != nil {
			return
		}
		all, _ := io.ReadAll(connection) // answers only once the client has ended its side
		_, _ = connection.Write(all)
		connection.Close()
	}()
	_, address := relayed(t, server.Addr().String(), 0)
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() {
		_, _ = connection.Write(sent)
		_ = connection.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(connection)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got %d bytes back (%v), sent %d", len(got), err, len(sent))
	}
}

func TestClientOfAServerThatIsNotThereIsTurnedAway(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	_, address := relayed(t, free.Addr().String(), 0)
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if got, err := io.ReadAll(connection); err != nil || len(got) != 0 {
		t.Errorf("got %q (%v), expected the end", got, err)
	}
}

func TestDelaysBeyondTheLastBucketAreCounted(t *testing.T) {
	made := &relay{delay: longest + time.Millisecond}
	made.hold()
	if held := tellingOf(t, made); held[int(longest/time.Microsecond)] != 1 {
		t.Errorf("got %v", held)
	}
}

func TestHealthIsTold(t *testing.T) {
	answer := httptest.NewRecorder()
	(&relay{}).handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/health", nil))
	if answer.Code != http.StatusOK {
		t.Errorf("got %d", answer.Code)
	}
}
