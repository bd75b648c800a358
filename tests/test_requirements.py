"""The catalogue, the suites, the known deviations and the findings tell the same story."""

import re
import tomllib
from pathlib import Path

import pytest

from meshproof.catalogue import SUITES, checks_in, load_catalogue, load_profiles
from meshproof.mesh.adapter import Feature
from meshproof.mutate.registry import MUTANTS
from meshproof.paths import PROJECT_ROOT

CATALOGUE = load_catalogue()
CHECKS = checks_in(SUITES)
IMAGES = PROJECT_ROOT / "bundle" / "images.toml"
EXPECTATIONS = sorted((SUITES / "expectations").glob("*.toml"))

# Why there is no mutant of a requirement that fails without one.
BROKEN_ANYWAY = "the mesh as it is breaks it, so its check was seen to fail"

# Features that are the harness's own matter: they are not a mesh's to declare.
HARNESS_FEATURES = {"overhead"}


def anchors(document: Path) -> set[str]:
    """The anchors of a Markdown document's headings, as a web view of the repository makes them."""
    headings = re.findall(r"^#+ +(.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_every_requirement_has_its_checks_in_its_area() -> None:
    folders: dict[str, set[str]] = {name: set() for name in CATALOGUE}
    for check in CHECKS:
        for name in check.requirements:
            folders.setdefault(name, set()).add(check.test.split("/")[1])

    assert {name: folders[name] for name in CATALOGUE} == {
        each.id: {each.area} for each in CATALOGUE.values()
    }


def test_every_requirement_says_must_why_and_where_it_is_said() -> None:
    assert [
        each.id
        for each in CATALOGUE.values()
        if "MUST" not in each.statement or not each.source.strip() or not each.why.strip()
    ] == []


def test_every_requirement_can_be_seen_by_hand() -> None:
    """There is a command to paste, and a word on what a good mesh shows."""
    command = re.compile(r"\b(kubectl|curl|in_client|pytest|meshproof)\b")

    assert [
        each.id
        for each in CATALOGUE.values()
        if not command.search(each.reproduce) or "# ->" not in each.reproduce
    ] == []


def test_images_in_the_commands_by_hand_are_the_bundles() -> None:
    known = {each["reference"] for each in tomllib.loads(IMAGES.read_text())["image"]}
    named = {
        image
        for each in CATALOGUE.values()
        for image in re.findall(r"meshproof\.dev/[\w.-]+:[\w.-]+", each.reproduce)
    }

    assert named - known == set()


def test_every_requirement_names_what_must_not_survive_or_says_why_there_is_nothing() -> None:
    assert [
        each.id for each in CATALOGUE.values() if bool(each.mutants) is bool(each.no_mutant.strip())
    ] == []
    assert {name for each in CATALOGUE.values() for name in each.mutants} == MUTANTS.keys()


def test_what_needs_no_mutant_because_the_mesh_breaks_it_is_a_known_deviation() -> None:
    known = {name for path in EXPECTATIONS for name in tomllib.loads(path.read_text())}

    assert [
        each.id for each in CATALOGUE.values() if each.no_mutant == BROKEN_ANYWAY and each.id not in known
    ] == []


def test_every_requirement_names_a_feature_that_a_mesh_can_declare() -> None:
    known = {*(each.value for each in Feature), *HARNESS_FEATURES}

    assert [each.id for each in CATALOGUE.values() if each.feature not in known] == []


def test_statements_differ() -> None:
    statements = [each.statement for each in CATALOGUE.values()]

    assert len(set(statements)) == len(statements)


def test_every_check_is_of_a_known_requirement() -> None:
    assert {name for each in CHECKS for name in each.requirements} - CATALOGUE.keys() == set()


def test_every_check_says_what_it_claims_and_runs_under_a_known_profile() -> None:
    known = load_profiles().keys()

    assert [each.test for each in CHECKS if not each.claim or not known >= set(each.profiles)] == []


@pytest.mark.parametrize("path", [pytest.param(each, id=each.stem) for each in EXPECTATIONS])
def test_known_deviation_is_of_a_known_requirement_and_leads_to_its_finding(path: Path) -> None:
    rows = tomllib.loads(path.read_text())

    assert rows.keys() - CATALOGUE.keys() == set()
    for name, row in rows.items():
        document, _, anchor = row["finding"].partition("#")
        assert (name, anchor in anchors(PROJECT_ROOT / document)) == (name, True)
        assert name in (PROJECT_ROOT / document).read_text()


def test_every_finding_is_of_a_known_requirement() -> None:
    named = re.findall(
        r"\*\*Requirement\*\* (TM-[A-Z]+-\d+)", (PROJECT_ROOT / "docs/findings.md").read_text()
    )

    assert named
    assert set(named) - CATALOGUE.keys() == set()
