"""Images that no node has from the start are brought into the nodes that lack them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from meshproof.bundle import BundledImage
from meshproof.cluster.kind import KindCluster
from meshproof.model.errors import BadInputError
from tests.cluster.kind_door import BUNDLE, OURS, Door

JAEGER = "docker.io/jaegertracing/all-in-one:1.62.0"
JAEGER_ID = "sha256:" + "c" * 64
WORKER = replace(OURS, id="2", name="demo-worker")
HEAD = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n"
MEDIA = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def cluster(new_cluster: Callable[..., KindCluster], door: Door) -> KindCluster:
    """Two nodes, and a bundle with an image that neither has from the start."""
    door.containers = [OURS, WORKER]
    found = new_cluster()
    image = BundledImage(
        reference=JAEGER,
        role="jaeger",
        digest=JAEGER_ID,
        image_id=JAEGER_ID,
        archive=Path("/bundle/images/jaeger.tar"),
        size=1,
    )
    found.bundle = replace(BUNDLE, images={**BUNDLE.images, JAEGER: image})
    return found


def loads(door: Door) -> list[list[str]]:
    return [each for each in door.argv if each[1] == "load"]


def listing(**digests: str) -> str:
    names = {"reference": JAEGER, "id": JAEGER_ID, "other_id": "sha256:" + "d" * 64}
    rows = [f"{names[name]} {MEDIA} {digest} 46 MiB linux/amd64 -" for name, digest in digests.items()]
    return HEAD + "\n".join(rows)


def test_nodes_that_lack_an_image_get_its_archive(cluster: KindCluster, door: Door) -> None:
    door.images_in = {"1": HEAD, "2": HEAD}

    cluster.load_images([JAEGER])

    assert loads(door) == [
        [
            *["/bundle/kind", "load", "image-archive", "/bundle/images/jaeger.tar"],
            *["--name=demo", "--nodes=demo-control-plane,demo-worker"],
        ]
    ]


def test_node_that_has_it_is_left_alone(cluster: KindCluster, door: Door) -> None:
    door.images_in = {"1": listing(reference="sha256:m", id="sha256:m"), "2": HEAD}

    cluster.load_images([JAEGER])

    assert [each[-1] for each in loads(door)] == ["--nodes=demo-worker"]


def test_nothing_is_loaded_where_all_have_it(cluster: KindCluster, door: Door) -> None:
    everywhere = listing(reference="sha256:m", id="sha256:m")
    door.images_in = {"1": everywhere, "2": everywhere}

    cluster.load_images([JAEGER])

    assert loads(door) == []


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(listing(reference="sha256:m", other_id="sha256:m"), id="older-bundles"),
        pytest.param(listing(reference="sha256:m", id="sha256:n"), id="both-there-name-on-the-other"),
        pytest.param(listing(id="sha256:m"), id="nameless"),
    ],
)
def test_another_content_under_the_name_is_replaced(cluster: KindCluster, door: Door, held: str) -> None:
    door.images_in = {"1": held, "2": held}

    cluster.load_images([JAEGER])

    assert len(loads(door)) == 1


def test_image_that_is_not_in_the_bundle_is_refused(cluster: KindCluster, door: Door) -> None:
    door.images_in = {"1": HEAD, "2": HEAD}

    with pytest.raises(BadInputError, match=r"all-in-one:1\.62\.0"):
        cluster.load_images(["docker.io/jaegertracing/all-in-one:1.63.0"])

    assert loads(door) == []
