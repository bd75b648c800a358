"""Our own chart, as far as its files show it; that it renders and works is for the suites to prove."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from meshproof.mesh.adapter import DEFAULT_CHART
from meshproof.mesh.chart import check_chart, check_values

TEMPLATES = sorted((DEFAULT_CHART / "templates").rglob("*.yaml"))


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    return check_values(DEFAULT_CHART / "values.yaml")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DEFAULT_CHART / "values.schema.json").read_text())
    return loaded


def _definitions() -> dict[str, Any]:
    documents = (
        yaml.safe_load_all(path.read_text()) for path in sorted((DEFAULT_CHART / "crds").glob("*.yaml"))
    )
    return {each["metadata"]["name"]: each for some in documents for each in some}


def test_it_is_a_sound_chart() -> None:
    check_chart(DEFAULT_CHART)


def test_the_default_values_meet_the_schema(values: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(values, schema)


def test_every_value_of_the_schema_has_a_default(values: dict[str, Any], schema: dict[str, Any]) -> None:
    assert set(schema["properties"]) - {"global"} == set(values)
    for part in ("controller", "proxy", "tracing", "metrics", "coredns", "limits"):
        assert set(schema["properties"][part]["properties"]) == set(values[part]), part


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"acll": True}, id="unknown-name"),
        pytest.param({"defaultMode": "https"}, id="unknown-mode"),
        pytest.param({"limits": {"http": -1, "tcp": 1, "udp": 1}}, id="negative"),
        pytest.param({"limits": {"http": 0.5, "tcp": 1, "udp": 1}}, id="half-a-port"),
        pytest.param({"acl": "yes"}, id="word-for-boolean"),
        pytest.param({"clusterDomain": "Cluster Local"}, id="no-domain"),
        pytest.param({"controller": {"image": {"name": "x"}}}, id="image-without-tag"),
        pytest.param({"tracing": {"deploy": True, "jaeger": {"enabled": True}}}, id="deploys-no-jaeger"),
        pytest.param({"metrics": {"prometheus": {"enabled": True, "buckets": [-1]}}}, id="bucket-below-zero"),
    ],
)
def test_wrong_values_are_refused(wrong: dict[str, Any], schema: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


def test_a_values_file_for_upstreams_chart_is_accepted(schema: dict[str, Any]) -> None:
    upstream = {
        "acl": True,
        "controller": {
            "image": {"name": "traefik/mesh", "tag": "v1.4.8", "pullPolicy": "IfNotPresent"},
            "ignoreNamespaces": ["example"],
            "resources": {
                "limit": {"mem": "100Mi", "cpu": "200m"},
                "request": {"mem": "50Mi", "cpu": "100m"},
            },
        },
        "tracing": {"deploy": False, "jaeger": {"enabled": True, "localAgentHostPort": "127.0.0.1:6831"}},
        "metrics": {"deploy": False, "prometheus": {"enabled": True, "buckets": "0.1, 0.3, 1.2, 5.0"}},
    }

    jsonschema.validate(upstream, schema)


def test_the_default_images_are_mesh_and_proxy_and_nothing_else(values: dict[str, Any]) -> None:
    images = {
        part: f"{values[part]['image']['name']}:{values[part]['image']['tag']}"
        for part in ("controller", "proxy")
    }

    assert images == {
        "controller": "docker.io/traefik/mesh:v1.4.8",
        "proxy": "docker.io/library/traefik:v2.11.14",
    }
    assert values["kubedns"] is False


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(DEFAULT_CHART)))
def test_templates_leave_the_images_entry_points_alone(template: Any) -> None:
    """Upstream's images have their programs elsewhere than the bundle's: args only."""
    assert not re.search(r"^\s*command:", template.read_text(), re.MULTILINE)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(DEFAULT_CHART)))
def test_no_role_has_a_wildcard(template: Any) -> None:
    text = template.read_text()

    assert not re.search(r"(verbs|resources|apiGroups):.*\*", text)
    assert "cluster-admin" not in text


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("traffictargets.access.smi-spec.io", "v1alpha2"),
        ("httproutegroups.specs.smi-spec.io", "v1alpha3"),
        ("tcproutes.specs.smi-spec.io", "v1alpha3"),
        ("trafficsplits.split.smi-spec.io", "v1alpha3"),
    ],
)
def test_each_definition_serves_the_one_version_that_the_mesh_reads(name: str, version: str) -> None:
    crd = _definitions()[name]

    assert crd["apiVersion"] == "apiextensions.k8s.io/v1"
    assert [each["name"] for each in crd["spec"]["versions"]] == [version]
    assert crd["spec"]["versions"][0]["served"]
    assert "properties" in crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def test_there_are_no_other_definitions() -> None:
    assert len(_definitions()) == 4


def test_buckets_can_tell_a_millisecond_from_ten(values: dict[str, Any]) -> None:
    buckets = values["metrics"]["prometheus"]["buckets"]

    assert buckets == sorted(buckets)
    assert buckets[0] <= 0.001
    assert sum(0.001 <= each <= 0.01 for each in buckets) >= 3
