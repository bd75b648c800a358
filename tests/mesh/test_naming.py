"""Names that the mesh derives."""

from meshproof.mesh import naming


def test_mesh_host_is_service_namespace_and_domain() -> None:
    assert naming.mesh_host("server", "test") == "server.test.traefik.mesh"


def test_shadow_service_name_is_marked() -> None:
    name = naming.shadow_service_name("server", "test", mesh_namespace="traefik-mesh")

    assert name == "traefik-mesh-server-6d61657368-test"
