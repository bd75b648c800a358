"""Settings that all of the harness's own tests share."""

import os

import pytest
from hypothesis import settings

from meshproof.engine import process

# The same examples every time: what fails here fails for everybody. HYPOTHESIS_PROFILE=search looks further.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(autouse=True)
def _commands_may_start() -> None:
    """A test that ended every command, or failed a build, leaves the door open for the next."""
    process._ending.clear()
