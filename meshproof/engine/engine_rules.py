"""The preflight's rules about the container engine: pure functions from the facts of a host to findings."""

from typing import Final

from meshproof.engine.find import choose_engine
from meshproof.engine.finding import Finding
from meshproof.engine.host import HostFacts, number

__all__ = ["capabilities", "engine", "install", "podman_parts", "podman_version", "runtime", "sudo"]

_PODMAN_LEAST: Final = (4, 0)  # the first with netavark; measured with 4.3


def install(facts: HostFacts, *packages: str) -> str:
    """The one command that installs ``packages`` (Debian's names)."""
    names = " ".join(packages)
    if not facts.debian:
        return f"install {names} with the package manager of {facts.system} (Debian's names)"
    return f"{sudo(facts)}apt-get install -y --no-install-recommends {names}"


def sudo(facts: HostFacts) -> str:
    """What a remedy's command begins with where the reader is not root."""
    return "" if facts.uid == 0 else "sudo "


def engine(facts: HostFacts) -> Finding:
    why = "the cluster's nodes are containers, and the bundle's images are built by the engine"
    chosen = choose_engine(facts)
    if chosen == "docker":
        what = f"Docker {facts.docker.words} runs privileged containers"
        return Finding(code="ENGINE", severity="ok", what=what, why=why)
    docker = f"Docker: {facts.docker.words or facts.docker.state}"
    if chosen == "podman":
        what = f"podman {facts.tools['podman'].version} ({docker})"
        return Finding(code="ENGINE", severity="ok", what=what, why=why)
    if facts.wanted_engine == "docker":
        remedy = "start Docker (20.10 or later), or unset MESHPROOF_ENGINE to let podman be used"
        return Finding(code="ENGINE", severity="problem", what=docker, why=why, remedy=remedy)
    if facts.uid != 0:
        what = f"user {facts.uid} has no working Docker ({docker}); rootless podman is not supported"
        remedy = "run it as root (sudo -E), or give this user a Docker daemon that answers"
        return Finding(code="ENGINE", severity="problem", what=what, why=why, remedy=remedy)
    remedy = install(facts, "podman", "runc", "netavark", "aardvark-dns", "iptables")
    return Finding(code="ENGINE", severity="problem", what=f"no podman; {docker}", why=why, remedy=remedy)


def podman_version(facts: HostFacts) -> Finding | None:
    version = facts.tools["podman"].version if choose_engine(facts) == "podman" else ""
    if not version or number(version) >= _PODMAN_LEAST:
        return None
    return Finding(
        code="PODMAN-VERSION",
        severity="warning",
        what=f"podman {version}",
        why="nothing older than 4.0 (netavark, cgroup namespaces) was tried",
        remedy="upgrade podman, or install Docker",
    )


def podman_parts(facts: HostFacts) -> Finding | None:
    if choose_engine(facts) != "podman":
        return None
    missing = [name for name in ("conmon", "netavark", "aardvark-dns") if name not in facts.tools]
    if not {"iptables", "nft"} & facts.tools.keys():
        missing.append("iptables")
    if not missing:
        return None
    return Finding(
        code="PODMAN-PARTS",
        severity="problem",
        what=f"podman lacks {', '.join(missing)}",
        why="kind makes a network with names and published ports",
        remedy=install(facts, *missing),
    )


def runtime(facts: HostFacts) -> Finding | None:
    if choose_engine(facts) != "podman":
        return None
    there = [f"{name} {facts.tools[name].version}" for name in ("runc", "crun") if name in facts.tools]
    if facts.cgroups == "v2":
        why = "either runtime runs a node on cgroup v2"
        if there:
            return Finding(code="RUNTIME", severity="ok", what=", ".join(there), why=why)
        return Finding(
            code="RUNTIME",
            severity="problem",
            what="neither runc nor crun",
            why=why,
            remedy=install(facts, "runc"),
        )
    why = f"cgroup {facts.cgroups}: crun refuses v1 controllers beside a v2 tree, runc does not"
    if "runc" in facts.tools:
        what = f"runc {facts.tools['runc'].version}, chosen by our own containers.conf"
        return Finding(code="RUNTIME", severity="ok", what=what, why=why)
    what = f"no runc (there is {there[0]})" if there else "neither runc nor crun"
    return Finding(code="RUNTIME", severity="problem", what=what, why=why, remedy=install(facts, "runc"))


def capabilities(facts: HostFacts) -> Finding | None:
    if choose_engine(facts) != "podman":
        return None
    if not facts.cap_sys_admin:
        return Finding(
            code="CAPABILITIES",
            severity="problem",
            what="root without CAP_SYS_ADMIN",
            why="a node mounts file systems",
            remedy="run on a machine, or in a privileged container, that has the capability",
        )
    if facts.cap_sys_resource:
        return None
    return Finding(
        code="CAPABILITIES",
        severity="ok",
        what=f"no CAP_SYS_RESOURCE: containers get the present hard limits (open files {facts.nofile.hard})",
        why="podman would try to raise its containers' limits, and could not start them",
    )
