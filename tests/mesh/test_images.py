"""Image references."""

import pytest

from meshproof.mesh.images import full_reference, remedy_for, tag_of


@pytest.mark.parametrize(
    ("image", "full"),
    [
        pytest.param("traefik", "docker.io/library/traefik:latest", id="bare"),
        pytest.param("traefik:v2.11", "docker.io/library/traefik:v2.11", id="official"),
        pytest.param("traefik/mesh:v1.4.8", "docker.io/traefik/mesh:v1.4.8", id="hub"),
        pytest.param("index.docker.io/traefik/mesh:v1", "docker.io/traefik/mesh:v1", id="hub-by-index"),
        pytest.param("localhost/x:1", "localhost/x:1", id="localhost"),
        pytest.param("host:5000/x/y", "host:5000/x/y:latest", id="port-is-no-tag"),
        pytest.param("registry.k8s.io/coredns/coredns:v1", "registry.k8s.io/coredns/coredns:v1", id="full"),
        pytest.param("traefik@sha256:ab", "docker.io/library/traefik@sha256:ab", id="digest"),
        pytest.param("traefik:v2@sha256:ab", "docker.io/library/traefik:v2@sha256:ab", id="tag-and-digest"),
    ],
)
def test_full_reference(image: str, full: str) -> None:
    assert full_reference(image) == full
    assert full_reference(full) == full


@pytest.mark.parametrize(
    ("image", "tag"), [("a/b:v1", "v1"), ("a/b", ""), ("h:5000/b", ""), ("a:v1@sha256:c", "v1")]
)
def test_tag_of(image: str, tag: str) -> None:
    assert tag_of(image) == tag


def test_the_remedy_names_the_locked_image_of_the_same_repository() -> None:
    locked = {"docker.io/traefik/mesh:v1.4.8", "docker.io/library/traefik:v2.11.14"}

    assert "docker.io/traefik/mesh:v1.4.8" in remedy_for("traefik/mesh:v9", locked)
    assert "docker.io" not in remedy_for("grafana/grafana:6", locked)
