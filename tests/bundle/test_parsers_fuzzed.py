"""Whatever stands in a file, it is parsed or refused in our own words."""

import tempfile
import tomllib
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshproof.bundle.lock import load_lock
from meshproof.bundle.manifest import read_manifest
from meshproof.bundle.userland import debian_sources
from meshproof.model.errors import BadInputError
from tests.bundle.stand_ins import LOCK

FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LINES = LOCK.splitlines()
VALUES = st.sampled_from(
    ['""', "0", "-1", "nan", "[]", "{}", "true", '"../x"', '"a:b"', '["x"]', "1979-05-27"]
)


@FEW
@given(line=st.sampled_from([i for i, text in enumerate(LINES) if "=" in text]), value=VALUES)
def test_any_value_in_any_field_is_refused_or_right(line: int, value: str) -> None:
    lines = list(LINES)
    lines[line] = f"{lines[line].partition('=')[0]}= {value}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        try:
            load_lock(path)
        except BadInputError as refused:
            assert refused.remedy  # noqa: PT017  # a lock that is right is fine, too


@FEW
@given(content=st.binary(max_size=200))
def test_any_bytes_in_place_of_a_lock_or_manifest_are_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, read in (("images.toml", load_lock), ("manifest.json", read_manifest)):
            path = Path(folder) / name
            path.write_bytes(content)
            try:
                read(path if name == "images.toml" else Path(folder))
            except BadInputError as refused:
                assert refused.where.endswith(name) or "images.toml/" in refused.where  # noqa: PT017  # as above
            else:
                raise AssertionError(tomllib.loads(content.decode()))


@FEW
@given(text=st.text(alphabet=st.sampled_from("deb :/\n#[]=abUTypesRIuit\t."), max_size=120))
def test_any_text_in_apts_sources_gives_lines_or_none(text: str) -> None:
    for line in debian_sources([text], "trixie"):
        assert line.startswith("deb ")
