"""Names of the mesh, and of the cluster, answered in another way: edits of a Corefile that know the run."""

import re
from collections.abc import Callable
from typing import Final

from meshproof.mesh.naming import DOMAIN, shadow_service_name
from meshproof.mutate.corefiles import in_root, in_zones, put
from meshproof.mutate.mutant import Ground

__all__ = [
    "also_past_the_mesh",
    "case_sensitive",
    "external_answered",
    "search_list_answered",
    "slow",
    "through_the_mesh",
    "to_plain_services",
]

_INNER: Final = 5399  # ports that nothing else in CoreDNS's pod listens on
_NOBODY: Final = 5398


def _shadow(ground: Ground, service: str, namespace: str) -> str:
    """The full name of a shadow service; pieces of patterns may stand for both names."""
    mesh = ground.mesh.settings.namespace
    return f"{shadow_service_name(service, namespace, mesh_namespace=mesh)}.{mesh}.svc.cluster.local"


def to_plain_services(corefile: str, *zones: str) -> str:
    """The rewrites of the zones, or of all of the mesh's, lead to the service itself.

    Its answers come back under the mesh name.
    """
    answer = r"answer name \S+?(\(\S+?\))-6d61657368-(\(\S+?\))\\\.\S+?\\\.svc"
    question = r"\S+-\{1\}-6d61657368-\{2\}\.\S+?\.svc\."

    def edit(block: str) -> str:
        return re.sub(question, "{1}.{2}.svc.", re.sub(answer, r"answer name \1\\.\2\\.svc", block))

    return in_zones(edit, *zones)(corefile)


def also_past_the_mesh(corefile: str, ground: Ground) -> str:
    """The name of ``server`` has the address of its shadow service, and that of the service itself."""
    shadow = _shadow(ground, "server", ground.namespace)
    name, namespace, *_ = shadow.split(".")
    asked = ((namespace, name), (ground.namespace, "server"))
    found = (ground.kube.get(f"/api/v1/namespaces/{where}/services/{which}") for where, which in asked)
    answers = (f'    answer "{{{{ .Name }}}} 5 IN A {each["spec"]["clusterIP"]}"' for each in found)
    pattern = f"    match ^{re.escape(shadow)}\\.$"
    return in_zones(put("template IN A cluster.local {", pattern, *answers, "    fallthrough", "}"))(corefile)


def through_the_mesh(corefile: str, ground: Ground) -> str:
    """The plain names of the run's services lead to their shadow services."""
    asked = rf"^([a-z0-9-]+)\.{ground.namespace}\.svc\.cluster\.local\.$"
    to = _shadow(ground, "{1}", ground.namespace)
    rule = ("rewrite stop {", f"    name regex {asked} {to}", "    answer auto", "}")
    return in_root(put(*rule))(corefile)


def search_list_answered(corefile: str, ground: Ground) -> str:
    """A mesh name below a search domain leads where the mesh name itself does."""
    asked = rf"^([a-z0-9-]+)\.([a-z0-9-]+)\.{re.escape(DOMAIN)}\.([a-z0-9-]+\.)?(svc\.)?cluster\.local\.$"
    rule = (
        "rewrite stop {",
        f"    name regex {asked} {_shadow(ground, '{1}', '{2}')}",
        "    answer auto",
        "}",
    )
    return in_root(put(*rule))(corefile)


def external_answered(corefile: str, ground: Ground) -> str:
    """Services called external have a name, though they have no shadow service."""
    pattern = re.escape(_shadow(ground, "external", "SOME")).replace("SOME", "[a-z0-9-]+")
    answer = '    answer "{{ .Name }} 5 IN A 192.0.2.53"'
    rule = ("template IN A cluster.local {", f"    match ^{pattern}\\.$", answer, "    fallthrough", "}")
    return in_zones(put(*rule))(corefile)


def _behind(*front: str) -> Callable[[str], str]:
    """The zone's own block serves another port; what stands before it is ``front``."""
    block = f"{DOMAIN}:53 {{\n" + "".join(f"    {each}\n" for each in front) + "}\n"
    return lambda corefile: corefile.replace(f"{DOMAIN}:53 {{", f"{block}{DOMAIN}:{_INNER} {{")


def slow(corefile: str, _: Ground) -> str:
    """Each question goes first to a server that never answers: the next one is asked after two seconds."""
    servers = f"forward . 127.0.0.1:{_NOBODY} 127.0.0.1:{_INNER} {{"
    front = _behind("errors", servers, "    policy sequential", "    max_fails 0", "}")
    nobody = f".:{_NOBODY} {{\n    erratic {{\n        drop 1\n    }}\n}}\n"
    changed = front(corefile)
    return corefile if changed == corefile else f"{changed.rstrip()}\n{nobody}"


def case_sensitive(corefile: str, ground: Ground) -> str:
    """A question in small letters is answered; one in capitals makes the answer's template fail."""
    to = _shadow(ground, "{{ index .Match 1 }}", "{{ index .Match 2 }}")
    alias = f"{{{{ .Name }}}} 5 IN CNAME {to}."
    answer = f"{{{{ if eq .Name .Question.Name }}}}{alias}{{{{ else }}}}unknown{{{{ end }}}}"
    front = _behind(
        "errors",
        f"template IN A {DOMAIN} {{",
        rf"    match ^([a-z0-9-]+)\.([a-z0-9-]+)\.{re.escape(DOMAIN)}\.$",
        f'    answer "{answer}"',
        "    fallthrough",
        "}",
        f"forward . 127.0.0.1:{_INNER}",
    )
    return front(corefile)
