"""Raw HTTP/1.1: what is sent is sent to the byte, and pipelined answers are told apart."""

import pytest

from meshproof.model.raw_http import raw_request, raw_responses


def test_request_has_exactly_the_lines_that_were_given() -> None:
    text = raw_request("/a b", ["Host: x", b"Bad\x00: \xff", "Content-Length : 1"], method="PUT", body=b"!")

    assert text == b"PUT /a b HTTP/1.1\r\nHost: x\r\nBad\x00: \xff\r\nContent-Length : 1\r\n\r\n!"


def test_pipelined_responses_are_told_apart() -> None:
    received = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n\r\nab"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ncde\r\n0\r\n\r\n"
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request: malformed"
    )

    found = raw_responses(received)

    assert [(each.status, each.body) for each in found] == [
        (200, b"ab"),
        (200, b"cde"),
        (400, b"400 Bad Request: malformed"),
    ]
    assert found[0].header("x-one") == "1"


def test_interim_response_is_left_out() -> None:
    received = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"

    assert [each.status for each in raw_responses(received)] == [204]


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", id="no HTTP"),
        pytest.param(b"HTTP/1.1 2", id="cut in the status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", id="cut in the body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", id="cut in a chunk"),
    ],
)
def test_what_is_not_whole_is_no_response(received: bytes) -> None:
    assert raw_responses(received) == []


def test_echo_servers_view_is_read() -> None:
    view = (
        b'{"hostname":"pod","ip":[],"remoteAddr":"1.2.3.4:5","method":"GET","url":"/","host":"h","proto":"HTTP/1.1",'
        b'"headers":{},"bodyLength":0,"bodySha256":""}'
    )
    length = str(len(view)).encode()

    echo = raw_responses(
        b"HTTP/1.1 200 OK\r\nX-Echo-Hostname: pod\r\nContent-Length: " + length + b"\r\n\r\n" + view
    )
    other = raw_responses(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n" + view)

    assert echo[0].seen is not None
    assert echo[0].seen.host == "h"
    assert other[0].seen is None
