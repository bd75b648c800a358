package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = newServer(newIdentity("pod-1", "left"))
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func fetch(t *testing.T, request *http.Request) (*http.Response, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestTextFormIsWhoamis(t *testing.T) {
	server := serve(t)
	request, _ := http.NewRequest(http.MethodPut, server.URL+"//a/../b?x=1", strings.NewReader("hello"))
	request.Host = "server.test.traefik.mesh"
	request.Header.Set("B", "2")
	request.Header.Set("A", "1")

	response, body := fetch(t, request)

	if got := response.Header.Get("X-Echo-Hostname"); got != "pod-1" {
		t.Errorf("X-Echo-Hostname = %q", got)
	}
	if got := response.Header.Get("X-Echo-Method"); got != response.Request.Method {
		t.Errorf("X-Echo-Method = %q", got)
	}
	for _, want := range []string{
		"Name: left\nHostname: pod-1\nIP: ",
		"\nRemoteAddr: 127.0.0.1:",
		"\nPUT //a/../b?x=1 HTTP/1.1\r\nHost: server.test.traefik.mesh\r\nA: 1\r\n",
		"\r\nB: 2\r\nContent-Length: 5\r\n",
		"\r\n\r\nhello",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in\n%s", want, body)
		}
	}
}

func TestJSONForm(t *testing.T) {
	server := serve(t)
	request, _ := http.NewRequest(http.MethodPost, server.URL+"/p?format=json", strings.NewReader("hello"))
	request.Header.Set("Uber-Trace-Id", "1:2:0:1")

	response, body := fetch(t, request)

	var got seen
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("hello"))
	if got.Method != "POST" || got.URL != "/p?format=json" || got.Proto != "HTTP/1.1" || got.Name != "left" ||
		got.BodyLength != 5 || got.BodySHA256 != hex.EncodeToString(sum[:]) || len(got.IP) == 0 ||
		got.Headers.Get("Uber-Trace-Id") != "1:2:0:1" || !strings.HasSuffix(server.URL, fmt.Sprint(got.Port)) {
		t.Errorf("got %s", body)
	}
	if got := response.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q", got)
	}
}

func TestPaths(t *testing.T) {
	server := serve(t)
	for _, test := range []struct {
		method, path string
		code, length int // a length below 0 is not looked at
	}{
		{"GET", "/health", 200, 3},
		{"GET", "/status/503", 503, -1},
		{"POST", "/status/404?format=json", 404, -1},
		{"GET", "/status/204", 204, 0},
		{"GET", "/status/304", 304, 0},
		{"GET", "/status/199", 400, -1},
		{"GET", "/status/x", 400, -1},
		{"GET", "/bytes/0", 200, 0},
		{"GET", "/bytes/100000", 200, 100000},
		{"HEAD", "/bytes/100000", 200, 0},
		{"GET", "/bytes/10485761", 400, -1},
		{"GET", "/bytes/-1", 400, -1},
		{"GET", "/delay/0", 200, -1},
		{"GET", "/delay/NaN", 400, -1},
		{"GET", "/delay/-1", 400, -1},
		{"GET", "/delay/1e12", 400, -1},
		{"DELETE", "/any/thing", 200, -1},
	} {
		request, _ := http.NewRequest(test.method, server.URL+test.path, nil)
		response, body := fetch(t, request)
		if response.StatusCode != test.code || test.length >= 0 && len(body) != test.length {
			t.Errorf("%s %s: %d with %d bytes", test.method, test.path, response.StatusCode, len(body))
		}
	}
}

func TestBytesAreTheSameEachTime(t *testing.T) {
	server := serve(t)
	request, _ := http.NewRequest(http.MethodGet, server.URL+"/bytes/40000", nil)

	response, body := fetch(t, request)

	if response.ContentLength != 40000 || body != strings.Repeat("0123456789abcdef", 2500) {
		t.Errorf("%d bytes, Content-Length %d", len(body), response.ContentLength)
	}
}

func TestDelayWaits(t *testing.T) {
	server := serve(t)
	request, _ := http.NewRequest(http.MethodGet, server.URL+"/delay/30", nil)

	began := time.Now()
	fetch(t, request)

	if waited := time.Since(began); waited < 30*time.Millisecond {
		t.Errorf("answered after %s", waited)
	}
}

func TestHTTP2WithoutTLS(t *testing.T) {
	server := serve(t)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: &http.Transport{Protocols: protocols}}

	response, err := client.Get(server.URL + "/?format=json")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	if response.Proto != "HTTP/2.0" {
		t.Errorf("spoke %s", response.Proto)
	}
}

func dialTCP(t *testing.T) *net.TCPConn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go acceptTCP(listener, func(connection *net.TCPConn) { echoTCP(connection, "pod-1") })
	connection, err := net.DialTimeout("tcp", listener.Addr().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	return connection.(*net.TCPConn)
}

func TestTCPEchoesAndAnswersWho(t *testing.T) {
	for _, test := range []struct{ sent, want string }{
		{"abc", "abc"},
		{"abc\nWHO\nxyz", "abc\n<who>xyz"},
		{"WHO\r\nWHO\n", "<who><who>"},
		{"WHO", "WHO"},
		{"WHOLE\n", "WHOLE\n"},
		{"not WHO\n", "not WHO\n"},
		{"W\nWH\nWHO \n", "W\nWH\nWHO \n"},
		{"\nWHO\n\n", "\n<who>\n"},
		{strings.Repeat("x", 200_000) + "\nWHO\n", strings.Repeat("x", 200_000) + "\n<who>"},
	} {
		connection := dialTCP(t)
		who := whoAnswer("pod-1", connection.LocalAddr())
		go func() {
			_, _ = io.WriteString(connection, test.sent)
			_ = connection.CloseWrite()
		}()

		got, err := io.ReadAll(connection)

		if want := strings.ReplaceAll(test.want, "<who>", who); err != nil || string(got) != want {
			t.Errorf("%.40q gave %.80q, expected %.80q (%v)", test.sent, got, want, err)
		}
	}
}

func TestTCPEchoesBeforeALineEnds(t *testing.T) {
	connection := dialTCP(t)
	reader := bufio.NewReader(connection)

	for _, part := range []string{"a", "bc", "d"} {
		_, _ = io.WriteString(connection, part)
		got := make([]byte, len(part))
		if _, err := io.ReadFull(reader, got); err != nil || string(got) != part {
			t.Fatalf("%q gave %q (%v)", part, got, err)
		}
	}
}

func TestUDPEchoesAndAnswersWho(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	go serveUDP(socket, "pod-1")
	connection, err := net.Dial("udp", socket.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	who := whoAnswer("pod-1", connection.LocalAddr())

	for sent, want := range map[string]string{"abc": "abc", "WHO": who, "WHO\n": who, "WHO?": "WHO?"} {
		_, _ = io.WriteString(connection, sent)
		got := make([]byte, maxDatagram)
		length, err := connection.Read(got)
		if err != nil || string(got[:length]) != want {
			t.Errorf("%q gave %q (%v)", sent, got[:length], err)
		}
	}
}

func TestAddressesAreACommaList(t *testing.T) {
	list := addresses{":8080"}
	if err := list.Set(":1, :2,"); err != nil || list.String() != ":1,:2" {
		t.Errorf("got %q (%v)", list.String(), err)
	}
	if err := list.Set(""); err != nil || len(list) != 0 {
		t.Errorf("got %q (%v)", list.String(), err)
	}
}
