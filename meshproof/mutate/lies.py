"""Lies: what a method answers in its own place; of metrics, line by line of their text."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from meshproof.mesh.adapter import ProxyPod
from meshproof.mutate.mutant import Ground

__all__ = [
    "Lie",
    "Method",
    "answered_by",
    "begun_again",
    "delete_as_another",
    "doubled",
    "frozen",
    "lines",
    "not_found_as_another",
    "quicker",
    "without",
]

_RELOADS: Final = re.compile(r"^traefik_config_reloads_total .*$", re.MULTILINE)

Method = Callable[..., Any]
Lie = Callable[[Method, Ground], Method]  # a method, and what answers in its place


@contextmanager
def answered_by(asked: object, name: str, lie: Method) -> Iterator[None]:
    """Inside the block a method of an object, or of a class, is another one."""
    before = vars(asked).get(name)
    setattr(asked, name, lie)
    try:
        yield
    finally:
        if before is None:
            delattr(asked, name)
        else:
            setattr(asked, name, before)


def frozen(series: str) -> Lie:
    """Series whose text begins with this pattern stay as they are now; those not there yet never come."""
    pattern = re.compile(series)

    def lie(metrics: Method, ground: Ground) -> Method:
        kept = {each.uid: _matching(metrics(each), pattern) for each in ground.mesh.proxies()}

        def told(proxy: ProxyPod) -> str:
            text: str = metrics(proxy)
            first = kept.setdefault(proxy.uid, _matching(text, pattern))
            stay = (line for line in text.splitlines() if not pattern.match(line) or _key(line) in first)
            return _text(first.get(_key(line), line) for line in stay)

        return told

    return lie


@dataclass
class _Counting:
    """One proxy's series: what they are counted from since its last reload."""

    last: str
    begin: dict[str, str] = field(default_factory=dict)


def begun_again(series: str) -> Lie:
    """Series whose text begins with this pattern begin at 0 again with each reload of their proxy."""
    pattern = re.compile(series)

    def lie(metrics: Method, _: Ground) -> Method:
        known: dict[str, _Counting] = {}

        def told(proxy: ProxyPod) -> str:
            text: str = metrics(proxy)
            counting = known.setdefault(proxy.uid, _Counting(last=text))
            if _RELOADS.findall(counting.last) != _RELOADS.findall(text):
                counting.begin = _matching(counting.last, pattern)
            counting.last = text
            return _text(_less(line, counting.begin.get(_key(line))) for line in text.splitlines())

        return told

    return lie


def _less(line: str, begin: str | None) -> str:
    if begin is None:
        return line
    (key, _, value), (*_, then) = line.rpartition(" "), begin.rpartition(" ")
    return f"{key} {float(value) - float(then)!r}"


def _matching(text: str, pattern: re.Pattern[str]) -> dict[str, str]:
    return {_key(line): line for line in text.splitlines() if pattern.match(line)}


def _key(line: str) -> str:
    """A sample's name and labels."""
    return line.rpartition(" ")[0]


def _text(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def lines(edit: Callable[[str], str | None]) -> Lie:
    """Each line of each proxy's metrics is another one, or None for none."""

    def lie(metrics: Method, _: Ground) -> Method:
        return lambda proxy: _text(
            said for line in metrics(proxy).splitlines() if (said := edit(line)) is not None
        )

    return lie


def quicker(series: str) -> Lie:
    """Each bucket of a histogram holds what the next one does: all that was observed seems to be less."""

    def lie(metrics: Method, _: Ground) -> Method:
        def told(proxy: ProxyPod) -> str:
            said = metrics(proxy).splitlines()
            following = [*said[1:], ""]
            return _text(_lower(series, *each) for each in zip(said, following, strict=True))

        return told

    return lie


def _lower(series: str, line: str, following: str) -> str:
    bounds = re.compile(r'le="[^"]*"')
    key, other = (bounds.sub("", _key(each)) for each in (line, following))
    same = line.startswith(f"{series}_bucket{{") and key == other
    return f"{_key(line)} {following.rpartition(' ')[2]}" if same else line


def doubled(line: str) -> str:
    if not line.startswith("traefik_service_requests_total{"):
        return line
    key, _, value = line.rpartition(" ")
    return f"{key} {2 * float(value)!r}"


def not_found_as_another(line: str) -> str:
    if line.startswith("traefik_service_requests_total{"):
        return line.replace('code="404"', 'code="499"')
    return line


def delete_as_another(line: str) -> str:
    if line.startswith("traefik_service_requests_total{"):
        return line.replace('method="DELETE"', 'method="EXTENSION_METHOD"')
    return line


def without(family: str) -> Callable[[str], str | None]:
    def edit(line: str) -> str | None:
        return None if family in line else line

    return edit
