"""Which checks each requirement has, read from the suites' source."""

from pathlib import Path

import pytest

from meshproof.catalogue import checks_in, load_catalogue, load_profiles, profiles_by_requirement
from meshproof.model.errors import BadInputError

SOURCE = '''
from fixtures.catalogue import profile, requirement
import pytest

@requirement("TM-DNS-001")
def test_one():
    """One claim."""

@pytest.mark.parametrize("a", [1])
@requirement("TM-DNS-001")
@requirement("TM-DNS-002")
@profile("acl", "two-nodes")
def test_two(a): pass

class TestGroup:
    @requirement("TM-DNS-003")
    def test_three(self): pass

@pytest.fixture
def requirement_like(): pass

@pytest.mark.requirement("TM-DNS-004")
@requirement(NAME)
@requirement(5)
def test_four(): pass
'''


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    """A folder ``suites`` with one file of checks."""
    file = tmp_path / "suites/dns/test_dns.py"
    file.parent.mkdir(parents=True)
    file.write_text(SOURCE)
    return tmp_path / "suites"


def test_checks_are_found_by_their_decorator(suites: Path) -> None:
    found = {each.test: each.requirements for each in checks_in(suites)}

    assert found == {
        "suites/dns/test_dns.py::test_one": ("TM-DNS-001",),
        "suites/dns/test_dns.py::test_two": ("TM-DNS-001", "TM-DNS-002"),
        "suites/dns/test_dns.py::test_three": ("TM-DNS-003",),
    }


def test_claim_is_the_docstring(suites: Path) -> None:
    assert [each.claim for each in checks_in(suites)][:2] == ["One claim.", ""]


def test_profile_is_plain_unless_marked(suites: Path) -> None:
    assert profiles_by_requirement(checks_in(suites)) == {
        "TM-DNS-001": ["plain", "acl", "two-nodes"],
        "TM-DNS-002": ["acl", "two-nodes"],
        "TM-DNS-003": ["plain"],
    }


@pytest.mark.parametrize(
    "mark", [pytest.param('profile("tcp")', id="one"), pytest.param('[profile("tcp")]', id="list")]
)
def test_mark_of_the_module_counts_for_every_check(suites: Path, mark: str) -> None:
    (suites / "dns/test_dns.py").write_text(f"{SOURCE}\npytestmark = {mark}\n")

    assert {each.test.rpartition("_")[2]: each.profiles for each in checks_in(suites)} == {
        "one": ("tcp",),
        "two": ("acl", "two-nodes"),
        "three": ("tcp",),
    }


def test_profile_of_campaigns_alone_counts_there(suites: Path) -> None:
    (suites / "dns/test_dns.py").write_text(
        '@requirement("TM-DNS-001")\n@profile("plain", campaigns="lifecycle")\ndef test_one(): pass\n'
    )

    assert profiles_by_requirement(checks_in(suites)) == {"TM-DNS-001": ["plain"]}
    assert profiles_by_requirement(checks_in(suites), in_campaigns=True) == {
        "TM-DNS-001": ["plain", "lifecycle"]
    }


def test_options_without_which_a_check_does_not_run_are_read(suites: Path) -> None:
    (suites / "dns/test_dns.py").write_text(
        '@requirement("TM-DNS-001")\n@only_with("baseline")\ndef test_one(): pass\n'
    )

    assert [each.options for each in checks_in(suites)] == [("baseline",)]


def test_only_test_files_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(SOURCE)
    (tmp_path / "test_broken.py").write_text("def :")

    assert checks_in(tmp_path) == []


def test_the_projects_profiles_name_workloads_that_exist() -> None:
    folder = Path(__file__).parent.parent / "manifests/workloads"

    for profile in load_profiles().values():
        assert [name for name in profile.workloads if not (folder / f"{name}.yaml").exists()] == []


def test_requirement_of_an_unknown_feature_is_refused(tmp_path: Path) -> None:
    row = {"statement": "It MUST.", "level": "core", "feature": "htp", "source": "s", "subject": "mesh"}
    (tmp_path / "requirements.toml").write_text(
        "[TM-DNS-001]\n" + "".join(f'{key} = "{value}"\n' for key, value in row.items())
    )

    with pytest.raises(BadInputError, match="did you mean 'http'"):
        load_catalogue(tmp_path)
