"""The catalogue: rows become requirements, or the row that does not fit is named."""

import pytest

from meshproof.model.errors import BadInputError
from meshproof.model.requirement import Level, Requirement, Subject, parse_requirements

FIELDS = {
    "statement": "It MUST.",
    "level": "core",
    "feature": "dns",
    "source": "documentation",
    "subject": "dns",
}


def row(name: str = "TM-DNS-001", **changes: str | None) -> str:
    fields = {key: value for key, value in {**FIELDS, **changes}.items() if value is not None}
    return "\n".join([f"[{name}]", *(f'{key} = "{value}"' for key, value in fields.items()), ""])


def test_row_becomes_a_requirement() -> None:
    found = parse_requirements(row(), where="f.toml")

    assert found == {
        "TM-DNS-001": Requirement(
            id="TM-DNS-001",
            statement="It MUST.",
            level=Level.CORE,
            feature="dns",
            source="documentation",
            subject=Subject.DNS,
        )
    }


def test_rows_keep_the_order_of_the_file() -> None:
    text = row("TM-ROUTE-002") + row("TM-DNS-001") + row("TM-ROUTE-001")

    assert list(parse_requirements(text, where="f.toml")) == ["TM-ROUTE-002", "TM-DNS-001", "TM-ROUTE-001"]


@pytest.mark.parametrize(
    ("name", "area"),
    [
        pytest.param("TM-INSTALL-001", "install", id="install"),
        pytest.param("TM-ROUTE-001", "routing", id="routing"),
        pytest.param("TM-TRACE-001", "tracing", id="tracing"),
        pytest.param("TM-METRIC-001", "metrics", id="metrics"),
        pytest.param("TM-API-001", "metrics", id="api-beside-the-metrics"),
        pytest.param("TM-OVERHEAD-001", "overhead", id="overhead"),
    ],
)
def test_id_tells_the_area(name: str, area: str) -> None:
    assert parse_requirements(row(name), where="f.toml")[name].area == area


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("DNS-001", id="no-prefix"),
        pytest.param("TM-DNS-1", id="one-digit"),
        pytest.param("TM-DNS-0001", id="four-digits"),
        pytest.param("TM-WEATHER-001", id="unknown-area"),
        pytest.param("tm-dns-001", id="lower-case"),
    ],
)
def test_id_of_another_form_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(BadInputError, match=f"f.toml/{name}: not the id of a requirement"):
        parse_requirements(row(name), where="f.toml")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"statement": None}, "statement", id="missing-field"),
        pytest.param({"mutant": "x"}, "mutant", id="unknown-field"),
        pytest.param({"level": "optional"}, "level", id="unknown-level"),
        pytest.param({"subject": "weather"}, "subject", id="unknown-subject"),
    ],
)
def test_field_that_does_not_fit_is_named_with_its_row(changes: dict[str, str | None], field: str) -> None:
    text = row("TM-DNS-001") + row("TM-DNS-002", **changes)

    with pytest.raises(BadInputError) as caught:
        parse_requirements(text, where="f.toml")

    assert field in str(caught.value)
    assert "TM-DNS-002" in str(caught.value)


def test_row_cannot_give_itself_another_id() -> None:
    with pytest.raises(BadInputError):
        parse_requirements(row("TM-DNS-001", id="TM-DNS-002"), where="f.toml")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[TM-DNS-001", id="not-toml"),
        pytest.param(row() + row(), id="row-twice"),
        pytest.param("version = 1\n", id="no-row"),
    ],
)
def test_file_that_is_no_catalogue_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(BadInputError, match=r"f\.toml"):
        parse_requirements(text, where="f.toml")
