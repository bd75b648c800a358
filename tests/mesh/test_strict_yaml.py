"""YAML from others."""

import pytest
import yaml

from meshproof.mesh.strict_yaml import UnsafeYamlError, load_all, load_one


def test_plain_values_and_honest_aliases_are_read() -> None:
    assert load_one("a: &x [1]\nb: *x\n") == {"a": [1], "b": [1]}
    assert load_all("a: 1\n---\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


def test_python_objects_are_refused() -> None:
    with pytest.raises(yaml.YAMLError):
        load_one("!!python/object/apply:os.system [id]")


def test_a_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]

    with pytest.raises(UnsafeYamlError, match="aliases"):
        load_one("\n".join(lines))


def test_a_document_that_contains_itself_is_refused() -> None:
    with pytest.raises(UnsafeYamlError, match="itself"):
        load_all("&a [*a]")


@pytest.mark.parametrize("load", [load_one, load_all])
def test_a_document_without_bottom_is_refused(load: object) -> None:
    assert callable(load)
    with pytest.raises(UnsafeYamlError, match="deep"):
        load("[" * 1_000)
