"""DNS messages as values: what a server said, to the record."""

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from meshproof.model.dns_answer import DnsError, over_tcp, parse_answer, question, unframed

NAME = "server.demo.traefik.mesh"


def answered(asked: bytes, *records: str, rcode: str = "NOERROR", authority: tuple[str, ...] = ()) -> bytes:
    """A server's answer to ``asked``; records as in a zone file."""
    reply = dns.message.make_response(dns.message.from_wire(asked))
    reply.set_rcode(dns.rcode.from_text(rcode))
    for section, lines in ((reply.answer, records), (reply.authority, authority)):
        for line in lines:
            owner, ttl, kind, value = line.split(" ", 3)
            section.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, value))
    return reply.to_wire()


def test_address_comes_with_owner_and_time_to_live() -> None:
    asked = question(NAME)

    answer = parse_answer(asked, answered(asked, f"{NAME}. 5 A 10.96.0.9"))

    assert (answer.name, answer.kind, answer.rcode) == (f"{NAME}.", "A", "NOERROR")
    assert answer.addresses == ["10.96.0.9"]
    assert [(each.owner, each.ttl) for each in answer.answers] == [(f"{NAME}.", 5)]
    assert answer.facts() == {
        "asked": f"{NAME}. A",
        "rcode": "NOERROR",
        "answers": [f"{NAME}. 5 A 10.96.0.9"],
    }


def test_addresses_are_those_of_the_kind_that_was_asked_for() -> None:
    asked = question(NAME, "AAAA")
    records = (f"{NAME}. 5 CNAME other.example.", "other.example. 5 AAAA 2001:db8::1")

    answer = parse_answer(asked, answered(asked, *records))

    assert answer.addresses == ["2001:db8::1"]


def test_name_error_brings_the_authority() -> None:
    asked = question(NAME)
    soa = "cluster.local. 30 SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30"

    answer = parse_answer(asked, answered(asked, rcode="NXDOMAIN", authority=(soa,)))

    assert (answer.rcode, answer.answers) == ("NXDOMAIN", ())
    assert [(each.kind, each.ttl) for each in answer.authority] == [("SOA", 30)]


def test_truncation_is_seen() -> None:
    asked = question(NAME)
    reply = dns.message.from_wire(answered(asked))
    reply.flags |= dns.flags.TC

    assert parse_answer(asked, reply.to_wire()).truncated


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no message", id="garbage"),
        pytest.param(answered(question(NAME)), id="of-another-question"),
        pytest.param(question(NAME), id="a-question"),
    ],
)
def test_what_is_no_answer_is_refused(received: bytes) -> None:
    with pytest.raises(DnsError):
        parse_answer(question(NAME), received)


def test_name_may_end_in_a_dot() -> None:
    asked = question(f"{NAME}.")

    assert parse_answer(asked, answered(asked)).name == f"{NAME}."


@pytest.mark.parametrize("name", ["a" * 64 + ".mesh", "a..mesh", ".".join(["a" * 60] * 5)])
def test_no_question_is_made_of_what_is_no_name(name: str) -> None:
    with pytest.raises(DnsError, match=r"mesh|aaa"):
        question(name)


def test_message_over_tcp_has_its_length_before_it() -> None:
    framed = over_tcp(b"x" * 300)

    assert framed[:2] == b"\x01\x2c"
    assert unframed(framed + b"the next one") == b"x" * 300


@pytest.mark.parametrize("stream", [b"", b"\x00", b"\x00\x05four"])
def test_stream_that_ends_too_early_is_refused(stream: bytes) -> None:
    with pytest.raises(DnsError, match="expected"):
        unframed(stream)
