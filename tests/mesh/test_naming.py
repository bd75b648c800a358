"""Names that the mesh derives."""

from meshproof.mesh import naming


def test_mesh_host_is_service_namespace_and_domain() -> None:
    assert naming.mesh_host("server", "test") == "server.test.traefik.mesh"


def test_shadow_service_name_is_marked() -> None:
    name = naming.shadow_service_name("server", "test", mesh_namespace="traefik-mesh")

    assert name == "traefik-mesh-server-6d61657368-test"


def test_the_longest_meshed_name_fills_the_limit_exactly() -> None:
    length = naming.longest_meshed_name("test", mesh_namespace="traefik-mesh")

    name = naming.shadow_service_name("s" * length, "test", mesh_namespace="traefik-mesh")
    assert len(name) == naming.LONGEST_SERVICE_NAME == 63
    assert length == 34


def test_a_long_namespace_leaves_no_room_for_any_service() -> None:
    assert naming.longest_meshed_name("n" * 60, mesh_namespace="traefik-mesh") == 0
