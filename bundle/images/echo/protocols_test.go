package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestEventsAreFlushedOneByOne(t *testing.T) {
	server := serve(t)
	response, err := http.Get(server.URL + "/sse?count=3&every=150")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	began := time.Now()
	lines := bufio.NewReader(response.Body)
	if line, _ := lines.ReadString('\n'); line != "data: 0\n" || time.Since(began) > 140*time.Millisecond {
		t.Errorf("%q after %s", line, time.Since(began))
	}
	rest, err := io.ReadAll(lines)
	if string(rest) != "\ndata: 1\n\ndata: 2\n\n" || err != nil || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("got %q (%v)", rest, err)
	}
}

func TestAnnouncedTrailerIsTheBodysHash(t *testing.T) {
	server := serve(t)
	request, _ := http.NewRequest(http.MethodGet, server.URL+"/trailers?parts=4&bytes=3", nil)

	response, body := fetch(t, request)

	want := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
	if body != "000111222333" || response.Trailer.Get("X-Echo-Trailer") != want || response.ContentLength != -1 {
		t.Errorf("%q with %v", body, response.Trailer)
	}
}

func TestUnfitNumbersAreRefused(t *testing.T) {
	server := serve(t)
	for _, path := range []string{"/sse?count=x", "/sse?every=-1", "/trailers?parts=10001", "/trailers?bytes=1e3"} {
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s gave %d", path, response.StatusCode)
		}
	}
}

func TestResetBreaksTheBodyOff(t *testing.T) {
	for name, client := range map[string]*http.Client{"HTTP/1.1": http.DefaultClient, "h2c": h2c()} {
		t.Run(name, func(t *testing.T) {
			response, err := client.Get(serve(t).URL + "/reset")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			got, err := io.ReadAll(response.Body)
			if err == nil || len(got) > halfBody || response.ContentLength != 2*halfBody {
				t.Errorf("%d of %d bytes (%v)", len(got), response.ContentLength, err)
			}
		})
	}
}

func h2c() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

func TestRequestsAreCountedByID(t *testing.T) {
	server := serve(t)
	for _, path := range []string{"/", "/status/503", "/count/a"} {
		request, _ := http.NewRequest(http.MethodGet, server.URL+path, nil)
		request.Header.Set(idHeader, "a")
		fetch(t, request)
	}
	for id, want := range map[string]string{"a": `{"count":3}`, "b": `{"count":0}`} {
		request, _ := http.NewRequest(http.MethodGet, server.URL+"/count/"+id, nil)
		if _, body := fetch(t, request); strings.TrimSpace(body) != want {
			t.Errorf("%s: %s", id, body)
		}
	}
}

func TestCountsForgetTheOldestIDs(t *testing.T) {
	counted := newIdentity("", "").counts
	counted.add(closedConnections)
	for i := range countedIDs + 2 {
		counted.add(fmt.Sprint(i))
	}
	if counted.of("1") != 0 || counted.of("2") != 1 || counted.of(closedConnections) != 1 || len(counted.byID) != countedIDs+1 {
		t.Errorf("%d ids are held", len(counted.byID))
	}
}

func TestWebSocketTellsTheHandshakeAndEchoes(t *testing.T) {
	ctx := limit(t)
	connection, response, err := websocket.Dial(ctx, serve(t).URL+"/ws?x=1", &websocket.DialOptions{
		HTTPHeader:   http.Header{"Origin": {"http://elsewhere"}, "A": {"1"}},
		Subprotocols: []string{"left", "right"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.CloseNow()
	connection.SetReadLimit(maxMessage)
	_, first, err := connection.Read(ctx)
	var handshake seen
	if json.Unmarshal(first, &handshake) != nil || handshake.Hostname != "pod-1" || handshake.URL != "/ws?x=1" ||
		handshake.Headers.Get("A") != "1" || response.Header.Get("X-Echo-Hostname") != "pod-1" ||
		connection.Subprotocol() != "left" {
		t.Fatalf("began with %s (%v)", first, err)
	}
	for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		sent := bytes.Repeat([]byte("ab"), 20_000)
		if err := connection.Write(ctx, kind, sent); err != nil {
			t.Fatal(err)
		}
		got, message, err := connection.Read(ctx)
		if got != kind || !bytes.Equal(message, sent) {
			t.Errorf("%s gave %s of %d bytes (%v)", kind, got, len(message), err)
		}
	}
}

func TestWebSocketAnswersACloseWithItsCode(t *testing.T) {
	ctx := limit(t)
	connection, _, err := websocket.Dial(ctx, serve(t).URL+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = connection.Close(4321, "enough") }()
	for err == nil {
		_, _, err = connection.Read(ctx)
	}
	if got := websocket.CloseStatus(err); got != 4321 {
		t.Errorf("closed with %d (%v)", got, err)
	}
}

func TestWebSocketPathWithoutAnUpgrade(t *testing.T) {
	request, _ := http.NewRequest(http.MethodGet, serve(t).URL+"/ws", nil)

	if response, _ := fetch(t, request); response.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("answered %d", response.StatusCode)
	}
}

// call sends messages over one gRPC stream, and tells what came back.
func call(t *testing.T, address, method string, messages ...string) ([]string, metadata.MD, *status.Status) {
	t.Helper()
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	ctx := metadata.AppendToOutgoingContext(limit(t), "x-forwarded-server", "proxy-1", idHeader, "call")
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true},
		"/meshproof.v1.Echo/"+method, grpc.ForceCodec(rawBytes{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range messages {
		sent := []byte(message)
		if err := stream.SendMsg(&sent); err != nil {
			t.Fatal(err)
		}
	}
	_ = stream.CloseSend()
	header, _ := stream.Header()
	var answers []string
	for {
		var answer []byte
		if err := stream.RecvMsg(&answer); errors.Is(err, io.EOF) {
			return answers, header, status.New(codes.OK, "")
		} else if err != nil {
			return answers, header, status.Convert(err)
		}
		answers = append(answers, string(answer))
	}
}

func TestGRPCMethods(t *testing.T) {
	server := serve(t)
	for _, test := range []struct {
		method string
		sent   []string
		want   string
		code   codes.Code
	}{
		{"Unary", []string{"hello"}, "[hello]", codes.OK},
		{"Unary", []string{""}, "[]", codes.OK},
		{"ServerStream", []string{"3"}, "[0 1 2]", codes.OK},
		{"ServerStream", []string{"2 10"}, "[0 1]", codes.OK},
		{"ServerStream", []string{"many"}, "[]", codes.InvalidArgument},
		{"ClientStream", []string{"a", "b"}, fmt.Sprintf("[2 %x]", sha256.Sum256([]byte("ab"))), codes.OK},
		{"ClientStream", nil, fmt.Sprintf("[0 %x]", sha256.Sum256(nil)), codes.OK},
		{"Bidi", []string{"a", "b", "c"}, "[a b c]", codes.OK},
		{"Fail", []string{"a"}, "[]", codes.FailedPrecondition},
		{"Other", []string{"a"}, "[]", codes.Unimplemented},
	} {
		answers, header, ended := call(t, server.Listener.Addr().String(), test.method, test.sent...)
		if fmt.Sprint(answers) != test.want || ended.Code() != test.code {
			t.Errorf("%s%q gave %q, %s", test.method, test.sent, answers, ended)
		}
		if header.Get("x-echo-hostname")[0] != "pod-1" || header.Get("x-echo-forwarded-server")[0] != "proxy-1" ||
			!strings.HasPrefix(header.Get("x-echo-remote")[0], "127.0.0.1:") || header.Get("x-echo-proto")[0] != "HTTP/2.0" {
			t.Errorf("%s began with %v", test.method, header)
		}
	}
}

func TestBidiAnswersBeforeTheNextMessage(t *testing.T) {
	connection, err := grpc.NewClient(serve(t).Listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	stream, err := connection.NewStream(limit(t), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true},
		"/meshproof.v1.Echo/Bidi", grpc.ForceCodec(rawBytes{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"a", "b"} {
		sent, got := []byte(message), []byte(nil)
		_ = stream.SendMsg(&sent)
		if err := stream.RecvMsg(&got); err != nil || string(got) != message {
			t.Fatalf("%q gave %q (%v)", message, got, err)
		}
	}
}

func TestOverTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = newServer(newIdentity("pod-1", ""))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	for want, upgrade := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		client := http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: upgrade,
		}}
		response, err := client.Get(server.URL + "/?format=json")
		if err != nil {
			t.Fatal(err)
		}
		var got seen
		err = json.NewDecoder(response.Body).Decode(&got)
		response.Body.Close()
		if err != nil || !got.TLS || got.Proto != want {
			t.Errorf("%s: saw %s over TLS %t (%v)", want, got.Proto, got.TLS, err)
		}
	}
}

func accept(t *testing.T, serve func(*net.TCPConn)) *net.TCPConn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go acceptTCP(listener, serve)
	connection, err := net.DialTimeout("tcp", listener.Addr().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	return connection.(*net.TCPConn)
}

func TestTallyAnswersOnlyAfterTheEnd(t *testing.T) {
	connection := dialTCP(t)
	_, _ = io.WriteString(connection, "TALLY\nabc\nWHO\n")
	_ = connection.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := connection.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes before the end (%v)", n, err)
	}
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	_ = connection.CloseWrite()

	got, err := io.ReadAll(connection)

	if want := fmt.Sprintf("8 %x\n", sha256.Sum256([]byte("abc\nWHO\n"))); err != nil || string(got) != want {
		t.Errorf("got %q (%v)", got, err)
	}
}

func TestGreeterSpeaksFirstAndThenEchoes(t *testing.T) {
	connection := accept(t, func(connection *net.TCPConn) { greetTCP(connection, "pod-1") })
	reader := bufio.NewReader(connection)
	if line, err := reader.ReadString('\n'); line != fmt.Sprintf("HELLO pod-1 %s\n", connection.LocalAddr()) {
		t.Fatalf("%q (%v)", line, err)
	}
	_, _ = io.WriteString(connection, "abc\n")
	if line, err := reader.ReadString('\n'); line != "abc\n" {
		t.Errorf("%q (%v)", line, err)
	}
}

func TestClosingListenerHangsUpAndCounts(t *testing.T) {
	who := newIdentity("pod-1", "")
	connection := accept(t, who.closeUnanswered)
	_, _ = io.WriteString(connection, "GET / HTTP/1.1\r\n\r\n")

	got, err := io.ReadAll(connection)

	if len(got) != 0 || err != nil || who.counts.of(closedConnections) != 1 {
		t.Errorf("%q (%v), %d counted", got, err, who.counts.of(closedConnections))
	}
}
