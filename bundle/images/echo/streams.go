package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
)

const (
	whoLine     = "WHO"
	tallyLine   = "TALLY"
	maxDatagram = 64 << 10
)

func whoAnswer(hostname string, peer net.Addr) string {
	return fmt.Sprintf("Hostname: %s\nRemoteAddr: %s\n", hostname, peer)
}

// acceptTCP gives each connection to serve, until the listener is closed.
func acceptTCP(listener net.Listener, serve func(*net.TCPConn)) {
	for {
		connection, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Printf("tcp accept: %v", err)
			continue
		}
		go serve(connection.(*net.TCPConn))
	}
}

// greetTCP speaks first, and only then echoes.
func greetTCP(connection *net.TCPConn, hostname string) {
	if _, err := fmt.Fprintf(connection, "HELLO %s %s\n", hostname, connection.RemoteAddr()); err != nil {
		connection.Close()
		return
	}
	echoTCP(connection, hostname)
}

// closeUnanswered reads what comes first and hangs up; how often is told under /count/closed-connections.
func (who identity) closeUnanswered(connection *net.TCPConn) {
	defer connection.Close()
	who.counts.add(closedConnections)
	_, _ = connection.Read(make([]byte, 1<<16))
}

// echoTCP sends back what comes, as it comes; a line that is exactly WHO is answered instead.
// When the client closes its half, what is left is sent and then the other half is closed.
// After a first line TALLY nothing is sent before the client has closed its half.
func echoTCP(connection *net.TCPConn, hostname string) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 1<<16)
	if takeLine(reader, tallyLine) {
		tally(connection, reader)
		return
	}
	lineStart := true
	for {
		if lineStart && takeLine(reader, whoLine) {
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

// tally reads to the client's end and then tells how much came: an answer proves that only one half was closed.
func tally(connection *net.TCPConn, reader *bufio.Reader) {
	sum := sha256.New()
	length, err := io.Copy(sum, reader)
	if err != nil {
		return // reset, not closed
	}
	_, _ = fmt.Fprintf(connection, "%d %x\n", length, sum.Sum(nil))
}

// takeLine takes the line word (ended by \n or \r\n) off the reader. It reads on only while what came could be that line.
func takeLine(reader *bufio.Reader, word string) bool {
	for _, line := range []string{word + "\n", word + "\r\n"} {
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
