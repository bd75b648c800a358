"""The lock is parsed strictly, and each refusal names the field, what it got and what to do."""

from pathlib import Path

import pytest

from meshproof.bundle.lock import LOCK_PATH, load_lock, lock_key
from meshproof.model.errors import BadInputError

REFUSALS = [
    pytest.param('role = "echo"', "role = 7", "image[0].role", "got 7, expected str", id="wrong-type"),
    pytest.param(
        'role = "echo"', 'role = "Echo!"', "image[0].role", "got 'Echo!', expected str", id="pattern"
    ),
    pytest.param('role = "echo"', "", "image[0]", "missing required field role", id="missing-field"),
    pytest.param(
        'role = "echo"', 'role = "echo"\nhue = 1', "image[0]", "unknown field hue", id="unknown-field"
    ),
    pytest.param("echo:0.1.0", "echo", "image[0].reference", "got 'meshproof.dev/echo'", id="no-tag"),
    pytest.param("dev/echo:0.1.0", "dev/echo@sha256:00", "image[0].reference", "matching regex", id="digest"),
    pytest.param('"built"', '"guessed"', "image[0].source", "got 'guessed'", id="unknown-source"),
    pytest.param(
        'role = "echo"', 'role = "echo"\nload = "later"', "image[0].load", "got 'later'", id="unknown-load"
    ),
    pytest.param(
        "schema_version = 1", "schema_version = 2", "schema_version", "got 2, expected 1", id="schema"
    ),
    pytest.param("schema_version = 1", "", "schema_version", "got None, expected 1", id="no-schema"),
    pytest.param('role = "node"', 'role = "echo"', "image[1].role", "got 'echo' again", id="same-role"),
    pytest.param(
        "meshproof.dev/node:v1.34.4",
        "meshproof.dev/echo:0.1.0",
        "image[1].reference",
        "again",
        id="same-reference",
    ),
    pytest.param('name = "helm"\ncomp', 'name = "kind"\ncomp', "program[2].name", "again", id="same-program"),
    pytest.param('role = "node"', 'role = "knot"', "image", "no image has the role 'node'", id="no-node"),
    pytest.param(
        'programs = ["echo"]', 'programs = ["ecko"]', "image[0].programs", "mean 'echo'?", id="program"
    ),
    pytest.param(
        'component = "kind"', 'component = "kin"', "program[1].component", "mean 'kind'?", id="component"
    ),
    pytest.param('"node/extra"', '"node/extras"', "image[1].archives", "mean 'node/extra'?", id="archive"),
    pytest.param(
        '"images/echo"\nprog', '"images/ecko"\nprog', "image[0].recipe", "is not there", id="no-recipe"
    ),
    pytest.param(
        '"images/node/hook"', '"../hook"', "userland[0].hooks", "expected a path inside", id="outside"
    ),
    pytest.param(
        '"images/node/hook"', '"/bin/sh"', "userland[0].hooks", "expected a path inside", id="absolute"
    ),
    pytest.param('["extra.tar"]', '["../extra.tar"]', "userland[0].collects", "a plain name", id="collects"),
    pytest.param('"go/helm"', '"go/helmet"', "component[2].folder", "is not there", id="no-go-mod"),
    pytest.param(
        'version = "v1.34.4"',
        'version = "v1.34.5"',
        "component[0].version",
        "k8s.io/kubernetes: v1.34.4",
        id="pin",
    ),
    pytest.param("[debian]", "[[debian]]", "debian", "expected object", id="table-kind"),
    pytest.param("[debian]", "[debian", "images.toml", "not TOML", id="not-toml"),
    pytest.param(
        'name = "node"', 'name = "node"\nname = "node"', "images.toml", "not TOML", id="duplicate-key"
    ),
]


@pytest.mark.parametrize(("old", "new", "where", "problem"), REFUSALS)
def test_a_wrong_lock_is_refused_by_field(lock: Path, old: str, new: str, where: str, problem: str) -> None:
    text = lock.read_text(encoding="utf-8")
    assert old in text
    lock.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(BadInputError) as refused:
        load_lock(lock)

    assert refused.value.where.endswith(where)
    assert problem in str(refused.value)
    assert refused.value.remedy
    assert refused.value.exit_code == 4


def test_a_missing_lock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file"):
        load_lock(tmp_path / "images.toml")


def test_a_missing_wheel_list_is_refused(lock: Path) -> None:
    row = '[[python]]\nname = "client"\nrequirements = "none.txt"\nversion = "3.13"\n'
    text = lock.read_text(encoding="utf-8").replace("python = []\n", "")
    lock.write_text(f"{text}\n{row}", encoding="utf-8")

    with pytest.raises(BadInputError, match=r"python\[0\].requirements: recipes/none.txt is not there"):
        load_lock(lock)


def test_the_lock_of_the_checkout_is_right() -> None:
    lock = load_lock(LOCK_PATH)

    assert lock.versions()["kubernetes"] == "v1.34.4"
    assert [each.name for each in lock.programs_of("etcd")] == ["etcd"]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param("images/echo/main.go", True, id="source"),
        pytest.param("images/echo/main_test.go", False, id="test"),
        pytest.param("README.md", False, id="page"),
    ],
)
def test_the_key_follows_what_is_built(lock: Path, name: str, *, changes: bool) -> None:
    before = lock_key(lock)
    (lock.parent / name).write_text("package other\n", encoding="utf-8")

    assert (lock_key(lock) != before) is changes


def test_the_key_follows_executable_bits_and_links(lock: Path) -> None:
    keys = [lock_key(lock)]
    (lock.parent / "images/node/hook").chmod(0o755)
    keys.append(lock_key(lock))
    (lock.parent / "images/node/link").symlink_to("hook")
    keys.append(lock_key(lock))

    assert len(set(keys)) == 3
    assert len(keys[0]) == 64
