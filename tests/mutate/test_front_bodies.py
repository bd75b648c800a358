"""Fronts, and what follows the head of a request; and requests that no server is asked."""

import socket
from dataclasses import replace

import pytest

from meshproof.mutate.front import Listeners
from meshproof.mutate.front_behaviours import BEHAVIOURS, Behaviour
from tests.mutate.fronted import Ask, Echo, header, heard_of


def test_bodies_lose_their_last_byte(ask: Ask) -> None:
    _, answer = ask(BEHAVIOURS["body-cut"], body="body")

    assert isinstance(answer, bytes)
    assert b'"body": "bod"' in answer
    assert not answer.endswith(b"}")


def test_bytes_of_a_body(ask: Ask) -> None:
    long = "x" * 1_000_001
    _, replaced = ask(BEHAVIOURS["binary-bytes-replaced"], body=b"a\x80\xffb")
    _, changed = ask(BEHAVIOURS["byte-changed-beyond-a-megabyte"], body=long + "y")

    assert isinstance(replaced, dict)
    assert isinstance(changed, dict)
    assert replaced["body"] == "a??b"
    assert changed["body"] == f"{long[:-1]}yy"


CHUNKED = "4\r\nbody\r\n3;a=b\r\nand\r\n0\r\nX-Sum: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        pytest.param(Behaviour(), CHUNKED, id="transparent"),
        pytest.param(BEHAVIOURS["trailers-dropped"], "4\r\nbody\r\n3\r\nand\r\n0\r\n\r\n", id="no trailers"),
        pytest.param(
            BEHAVIOURS["body-cut"], "3\r\nbod\r\n3\r\nyan\r\n0\r\nX-Sum: 1\r\n\r\n", id="last byte lost"
        ),
    ],
)
def test_bodies_in_chunks(ask: Ask, behaviour: Behaviour, expected: str) -> None:
    headers = {"Transfer-Encoding": "chunked", "Trailer": "X-Sum"}

    _, told = ask(replace(behaviour, answer_lost=0), headers=headers, body=CHUNKED)

    assert isinstance(told, dict)
    assert told["body"] == expected
    assert header(told, "Trailer") == (["X-Sum"] if behaviour.trailers else [])


def test_a_body_is_taken_for_another_request(ask: Ask) -> None:
    hidden = "GET /hidden HTTP/1.1\r\nHost: b\r\n\r\n"

    status, told = ask(BEHAVIOURS["body-forwarded-raw"], "/first", body=hidden)

    assert isinstance(told, dict)
    assert (status, told["target"], told["body"]) == (200, "/first", "")
    heard_of(2)


def test_a_client_that_expects_is_refused(ask: Ask) -> None:
    behaviour = BEHAVIOURS["expect-refused"]

    assert ask(behaviour, headers={"Expect": "100-continue"})[0] == 417
    assert (ask(behaviour)[0], Echo.seen) == (200, 1)


def test_nothing_stands_before_a_port_that_nobody_listens_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"

    assert Listeners().port_for(address) is None
