package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// rawBytes leaves messages as they are: this echo has no schema, and its clients need none.
type rawBytes struct{}

func (rawBytes) Name() string { return "proto" }

func (rawBytes) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (rawBytes) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func isGRPC(r *http.Request) bool {
	return r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

// newGRPC serves /meshproof.v1.Echo/ over HTTP/2 connections that the web server has accepted.
func newGRPC(who identity) *grpc.Server {
	return grpc.NewServer(
		grpc.ForceServerCodec(rawBytes{}),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return who.call(stream) }),
	)
}

func (who identity) call(stream grpc.ServerStream) error {
	if err := stream.SendHeader(who.metadata(stream)); err != nil {
		return err
	}
	method, _ := grpc.MethodFromServerStream(stream)
	switch method {
	case "/meshproof.v1.Echo/Unary":
		return unary(stream)
	case "/meshproof.v1.Echo/ServerStream":
		return serverStream(stream)
	case "/meshproof.v1.Echo/ClientStream":
		return clientStream(stream)
	case "/meshproof.v1.Echo/Bidi":
		return bidi(stream)
	case "/meshproof.v1.Echo/Fail":
		return status.Error(codes.FailedPrecondition, "this method always fails")
	}
	return status.Errorf(codes.Unimplemented, "no method %s", method)
}

// metadata is what the server saw: every answer begins with it.
func (who identity) metadata(stream grpc.ServerStream) metadata.MD {
	came, _ := metadata.FromIncomingContext(stream.Context())
	remote := ""
	if from, ok := peer.FromContext(stream.Context()); ok {
		remote = from.Addr.String()
	}
	return metadata.Pairs(
		"x-echo-hostname", who.hostname,
		"x-echo-forwarded-server", strings.Join(came.Get("x-forwarded-server"), ", "),
		"x-echo-remote", remote,
		"x-echo-proto", "HTTP/2.0",
	)
}

func unary(stream grpc.ServerStream) error {
	var message []byte
	if err := stream.RecvMsg(&message); err != nil {
		return err
	}
	return stream.SendMsg(&message)
}

// serverStream is asked for a count of messages, or for a count and the milliseconds between two of them.
func serverStream(stream grpc.ServerStream) error {
	var message []byte
	if err := stream.RecvMsg(&message); err != nil {
		return err
	}
	asked, pause, _ := strings.Cut(string(message), " ")
	count, err := strconv.Atoi(asked)
	every, _ := strconv.Atoi(pause)
	if err != nil || count < 0 || count > maxParts {
		return status.Errorf(codes.InvalidArgument, "the message is a count, 0 to %d", maxParts)
	}
	ticker := time.NewTicker(max(time.Duration(every)*time.Millisecond, time.Nanosecond))
	defer ticker.Stop()
	for i := range count {
		if i > 0 {
			select {
			case <-ticker.C:
			case <-stream.Context().Done():
				return stream.Context().Err()
			}
		}
		answer := strconv.AppendInt(nil, int64(i), 10)
		if err := stream.SendMsg(&answer); err != nil {
			return err
		}
	}
	return nil
}

func clientStream(stream grpc.ServerStream) error {
	sum, count := sha256.New(), 0
	for {
		var message []byte
		err := stream.RecvMsg(&message)
		if errors.Is(err, io.EOF) {
			answer := fmt.Appendf(nil, "%d %x", count, sum.Sum(nil))
			return stream.SendMsg(&answer)
		}
		if err != nil {
			return err
		}
		sum.Write(message)
		count++
	}
}

func bidi(stream grpc.ServerStream) error {
	for {
		var message []byte
		err := stream.RecvMsg(&message)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
}
