"""What recording every request costs the generator: ``pytest loadtests/benchmarks -s``.

Not a part of ``make test``: it is a measurement.

The generator takes from the machine that it measures, so what is kept of each request has to be cheap: under
5 % of what Locust itself takes to send it. Both ways are measured in one process in turn, in random order,
by its CPU time.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import IO

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from meshproof.judge.intervals import hodges_lehmann
from meshproof.paths import PROJECT_ROOT

WAYS = ("plain", "recorded")
PAIRS = 60
BATCH = 250  # requests, some 0.1 s: short against what drifts on a machine, long against the clock
WARM_UP = 2
AIM_PERCENT = 5.0


class Generator:
    """The Locust process, told what to send."""

    def __init__(self, commands: IO[str], answers: IO[str]) -> None:
        self._commands = commands
        self._answers = answers

    def cpu_us(self, way: str) -> float:
        """Send a batch; CPU microseconds for one request of it."""
        self._commands.write(f"{way} {BATCH}\n")
        self._commands.flush()
        answer = self._answers.readline()
        assert answer, "the generator ended: its own words are on standard error"
        return float(answer) / BATCH * 1e6


@pytest.fixture
def generator() -> Iterator[Generator]:
    """A server and a generator, each a process of its own."""
    with process("server") as server:
        assert server.stdout
        with process("generator", server.stdout.readline().strip()) as locust:
            assert locust.stdin
            assert locust.stdout
            yield Generator(locust.stdin, locust.stdout)


@contextmanager
def process(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A module of this folder, spoken to over its standard input and output, until the block ends."""
    command = [sys.executable, "-m", f"loadtests.benchmarks.{module}", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdin=pipe, stdout=pipe, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def test_recording_every_request_is_cheap(benchmark: BenchmarkFixture, generator: Generator) -> None:
    """Recording is not shown to cost more than the aim: the whole interval would have to lie above it."""
    benchmark.group = "recording"
    order = random.Random(1)  # noqa: S311 - a reproducible draw is wanted
    taken: dict[str, list[float]] = {way: [] for way in WAYS}

    def pair() -> None:
        for way in order.sample(WAYS, len(WAYS)):
            taken[way].append(generator.cpu_us(way))

    benchmark.pedantic(pair, rounds=PAIRS, warmup_rounds=WARM_UP)

    plain, recorded = (taken[way][WARM_UP:] for way in WAYS)
    added = [100 * (after - before) / before for before, after in zip(plain, recorded, strict=True)]
    found = hodges_lehmann(added, 0.95)  # a batch that something else interrupted weighs no more than another
    assert found
    benchmark.extra_info |= {
        "plain_us": round(median(plain), 2),
        "recorded_us": round(median(recorded), 2),
        "recording_adds_percent": round(found.estimate, 2),
        "interval_percent": [round(found.interval.low, 2), round(found.interval.high, 2)],
    }
    sys.stdout.write(f"{benchmark.extra_info}\n")
    assert found.interval.low < AIM_PERCENT
