package main

import (
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

const maxMessage = 16 << 20 // bytes, over WebSocket and gRPC

// webSocket tells the handshake as it came, in JSON, and then sends each message back. The library answers pings, and
// a close with its own code.
func (who identity) webSocket(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		who.echo(w, r, http.StatusUpgradeRequired)
		return
	}
	connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // of the Origin: there is nothing here to protect from other sites
		Subprotocols:       offered(r),
	})
	if err != nil {
		return // answered by the library
	}
	defer connection.CloseNow()
	connection.SetReadLimit(maxMessage)
	ctx := r.Context()
	if err := connection.Write(ctx, websocket.MessageText, who.json(r, nil)); err != nil {
		return
	}
	for {
		kind, message, err := connection.Read(ctx)
		if err != nil {
			return
		}
		if err := connection.Write(ctx, kind, message); err != nil {
			return
		}
	}
}

func offered(r *http.Request) []string {
	var names []string
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for _, name := range strings.Split(line, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}
