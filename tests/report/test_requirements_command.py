"""``meshproof requirements``: the list, one in words, the reference."""

import pytest
from typer.testing import CliRunner

from meshproof.catalogue import Check, checks_in, load_catalogue
from meshproof.cli import app
from meshproof.model.requirement import Level, Requirement, Subject
from meshproof.report.requirements import REFERENCE, explanation, reference

REQUIREMENT = Requirement(
    id="TM-DNS-001",
    statement="A name MUST resolve.",
    why="Nobody is reached otherwise.",
    level=Level.CORE,
    feature="dns",
    source="documentation",
    subject=Subject.DNS,
    mutants=["dns-block-missing"],
    reproduce="in_client true  # -> nothing\n",
)
CHECK = Check(
    test="suites/dns/test_x.py::test_y",
    requirements=("TM-DNS-001",),
    profiles=("acl",),
    claim="It resolves.\n\nMore.",
)


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param("A name MUST resolve.", id="what"),
        pytest.param("Why:      Nobody is reached otherwise.", id="why"),
        pytest.param("It resolves.  [acl]", id="how"),
        pytest.param("dns-block-missing", id="mutants"),
        pytest.param(
            "pytest suites/dns/test_x.py::test_y --mesh-profile=acl --expectations --keep-cluster",
            id="prepare",
        ),
        pytest.param('eval "$(meshproof requirements --prelude)"', id="prelude"),
        pytest.param("in_client true  # -> nothing", id="by-hand"),
    ],
)
def test_explanation_tells(expected: str) -> None:
    assert expected in explanation(REQUIREMENT, [CHECK])


def test_requirement_without_a_check_says_so() -> None:
    assert "no check yet" in explanation(REQUIREMENT, [])


def test_reference_is_current() -> None:
    assert REFERENCE.read_text() == reference(load_catalogue(), checks_in()), (
        "write it again: meshproof requirements --write"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["TM-DNS-01"], "did you mean 'TM-DNS-0", id="unknown-id"),
        pytest.param(["--area", "dn"], "did you mean 'dns'", id="unknown-area"),
        pytest.param(["--profile", "acll"], "did you mean 'acl'", id="unknown-profile"),
    ],
)
def test_unknown_word_is_refused_with_the_nearest(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["requirements", *arguments])

    assert said in str(result.exception)


def test_list_can_be_narrowed() -> None:
    result = CliRunner().invoke(app, ["requirements", "--area", "dns"])

    assert "TM-DNS-001" in result.output
    assert "TM-ROUTE" not in result.output


def test_prelude_names_the_kept_cluster() -> None:
    result = CliRunner().invoke(app, ["requirements", "--prelude", "--cluster-name", "mine"])

    assert '--context="kind-mine"' in result.output
    assert ".pytest-kind/mine/kubeconfig" in result.output
