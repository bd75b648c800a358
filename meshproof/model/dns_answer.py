"""One DNS question and its answer, as bytes and as a value: what a look-up through a resolver library hides.

Source of the form: RFC 1035, section 4; over TCP each message has its length before it (section 4.2.2).
"""

from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

__all__ = ["DnsAnswer", "DnsError", "DnsRecord", "over_tcp", "parse_answer", "question", "unframed"]

_LENGTH_BYTES: Final = 2


class DnsError(ValueError):
    """The bytes are no DNS message, or answer another question."""


@dataclass(frozen=True, kw_only=True)
class DnsRecord:
    """A resource record; ``owner`` is absolute and as it was spelled, ``ttl`` in seconds."""

    owner: str
    kind: str
    ttl: int
    value: str


@dataclass(frozen=True, kw_only=True)
class DnsAnswer:
    """What a DNS server said. ``rcode`` is its name: NOERROR, NXDOMAIN, SERVFAIL, REFUSED."""

    name: str
    kind: str
    rcode: str
    truncated: bool
    answers: tuple[DnsRecord, ...]
    authority: tuple[DnsRecord, ...]

    @property
    def addresses(self) -> list[str]:
        """The values of the records of the kind that was asked for, sorted."""
        return sorted(each.value for each in self.answers if each.kind == self.kind)

    def facts(self) -> dict[str, object]:
        """For the evidence of a check."""
        said = [f"{each.owner} {each.ttl} {each.kind} {each.value}" for each in self.answers]
        return {"asked": f"{self.name} {self.kind}", "rcode": self.rcode, "answers": said}


def question(name: str, kind: str = "A") -> bytes:
    """A question as a stub resolver sends it; ``name`` is absolute, its trailing dot may be left out.

    Raises DnsError for what is no name, such as one with a label of 64 characters.
    """
    try:
        return dns.message.make_query(_absolute(name), kind).to_wire()
    except dns.exception.DNSException as error:
        raise DnsError(f"{name}: {error}") from error


def parse_answer(asked: bytes, received: bytes) -> DnsAnswer:
    """The answer to ``asked``. Raises DnsError when it is none."""
    try:
        query, answer = dns.message.from_wire(asked), dns.message.from_wire(received)
    except dns.exception.DNSException as error:
        raise DnsError(f"no DNS message: {error}") from error
    if not query.is_response(answer):
        raise DnsError(f"no answer to {query.question}: {answer}")
    return DnsAnswer(
        name=str(query.question[0].name),
        kind=dns.rdatatype.to_text(query.question[0].rdtype),
        rcode=dns.rcode.to_text(answer.rcode()),
        truncated=bool(answer.flags & dns.flags.TC),
        answers=_records(answer.answer),
        authority=_records(answer.authority),
    )


def over_tcp(message: bytes) -> bytes:
    """The message with its length before it."""
    return len(message).to_bytes(_LENGTH_BYTES, "big") + message


def unframed(stream: bytes) -> bytes:
    """The first message of a TCP stream. Raises DnsError when it is not there whole."""
    length = int.from_bytes(stream[:_LENGTH_BYTES], "big")
    message = stream[_LENGTH_BYTES : _LENGTH_BYTES + length]
    if len(stream) < _LENGTH_BYTES or len(message) < length:
        raise DnsError(f"{len(stream)} bytes, {_LENGTH_BYTES + length} expected")
    return message


def _absolute(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def _records(section: list[dns.rrset.RRset]) -> tuple[DnsRecord, ...]:
    return tuple(
        DnsRecord(
            owner=str(group.name),
            kind=dns.rdatatype.to_text(group.rdtype),
            ttl=group.ttl,
            value=each.to_text(),
        )
        for group in section
        for each in group
    )
