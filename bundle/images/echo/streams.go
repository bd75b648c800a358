package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
)

const (
	whoLine     = "WHO"
	maxDatagram = 64 << 10
)

func whoAnswer(hostname string, peer net.Addr) string {
	return fmt.Sprintf("Hostname: %s\nRemoteAddr: %s\n", hostname, peer)
}

// serveTCP echoes each connection until it is closed.
func serveTCP(listener net.Listener, hostname string) {
	for {
		connection, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Printf("tcp accept: %v", err)
			continue
		}
		go echoTCP(connection.(*net.TCPConn), hostname)
	}
}

// echoTCP sends back what comes, as it comes; a line that is exactly WHO is answered instead.
// When the client closes its half, what is left is sent and then the other half is closed.
func echoTCP(connection *net.TCPConn, hostname string) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 1<<16)
	lineStart := true
	for {
		if lineStart && isWho(reader) {
			if _, err := io.WriteString(connection, whoAnswer(hostname, connection.RemoteAddr())); err != nil {
				return
			}
			continue
		}
		// Whatever is here, or the next byte: no waiting for a line that may never end.
		if _, err := reader.Peek(1); err != nil {
			_ = connection.CloseWrite()
			return
		}
		chunk, _ := reader.Peek(reader.Buffered())
		if end := nextLine(chunk); end > 0 {
			chunk = chunk[:end]
		}
		lineStart = chunk[len(chunk)-1] == '\n'
		written, err := connection.Write(chunk)
		if err != nil {
			return
		}
		_, _ = reader.Discard(written)
	}
}

// isWho takes a line WHO (ended by \n or \r\n) off the reader. It reads on only while what came could be that line.
func isWho(reader *bufio.Reader) bool {
	for _, line := range []string{whoLine + "\n", whoLine + "\r\n"} {
		for length := 1; ; length++ {
			got, err := reader.Peek(length)
			if err != nil || string(got) != line[:length] {
				break
			}
			if length == len(line) {
				_, _ = reader.Discard(length)
				return true
			}
		}
	}
	return false
}

// nextLine is where a line begins inside chunk that could be WHO; 0 when there is none.
func nextLine(chunk []byte) int {
	for i := 1; i < len(chunk); i++ {
		if chunk[i-1] == '\n' && chunk[i] == whoLine[0] {
			return i
		}
	}
	return 0
}

// serveUDP sends each datagram back; one that is WHO is answered instead.
func serveUDP(socket net.PacketConn, hostname string) {
	buffer := make([]byte, maxDatagram)
	for {
		length, peer, err := socket.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Printf("udp read: %v", err)
			continue
		}
		answer := buffer[:length]
		switch string(answer) {
		case whoLine, whoLine + "\n", whoLine + "\r\n":
			answer = []byte(whoAnswer(hostname, peer))
		}
		if _, err := socket.WriteTo(answer, peer); err != nil {
			log.Printf("udp write to %s: %v", peer, err)
		}
	}
}
