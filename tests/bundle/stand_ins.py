"""A small lock with its recipes, and stand-ins for the programs that a build calls."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from meshproof.engine.process import CommandFailedError, Completed

LOCK = """\
schema_version = 1
python = []

[debian]
release = "trixie"

[[component]]
name = "kubernetes"
folder = "go/kubernetes"
module = "k8s.io/kubernetes"
version = "v1.34.4"
stamp = {"k8s.io/component-base/version.gitVersion" = "v1.34.4"}

[[component]]
name = "kind"
folder = "go/kind"
version = "v0.33.0"

[[component]]
name = "helm"
folder = "go/helm"
version = "v3.19.5"

[[component]]
name = "echo"
folder = "images/echo"
version = "0.1.0"

[[program]]
name = "kubectl"
component = "kubernetes"
package = "k8s.io/kubernetes/cmd/kubectl"
host = true

[[program]]
name = "kind"
component = "kind"
package = "."
host = true

[[program]]
name = "helm"
component = "helm"
package = "."
host = true

[[program]]
name = "echo"
component = "echo"
package = "."
host = true

[[userland]]
name = "node"
packages = ["systemd", "iptables"]
hooks = ["images/node/hook"]
collects = ["extra.tar"]

[[image]]
reference = "meshproof.dev/echo:0.1.0"
role = "echo"
source = "built"
recipe = "images/echo"
programs = ["echo"]

[[image]]
reference = "meshproof.dev/node:v1.34.4"
role = "node"
source = "built"
recipe = "images/node"
programs = ["kubectl"]
archives = ["node/rootfs", "node/extra"]
"""

FILES = {
    "go/kubernetes/go.mod": "module m\n\nrequire (\n\tk8s.io/kubernetes v1.34.4 // indirect\n)\n",
    "go/kind/go.mod": "module m\n",
    "go/helm/go.mod": "module m\n",
    "images/echo/go.mod": "module m\n",
    "images/echo/main.go": "package main\n",
    "images/echo/Containerfile": "FROM scratch\n",
    "images/node/Containerfile": "FROM scratch\n",
    "images/node/hook": "#!/bin/sh\n",
}


class Tools:
    """Go, mmdebstrap, apt-config and podman behind the one door to subprocesses; nothing is started.

    Each writes the files that the real program would, with contents that follow from its inputs.
    """

    def __init__(self) -> None:
        self.called: list[list[str]] = []
        self.images: dict[str, str] = {}
        self.containers: dict[str, dict[str, str]] = {}  # labels by id
        self._failures: dict[str, tuple[str, str]] = {}

    def calls(self, name: str) -> list[list[str]]:
        """The argument lists that ``name`` was called with, oldest first."""
        return [call[1:] for call in self.called if Path(call[0]).name == name]

    def fail(self, name: str, when: str, words: str = "broken") -> None:
        """Let ``name`` end with 1 and ``words`` when its arguments contain ``when``."""
        self._failures[name] = (when, words)

    def mend(self) -> None:
        """Let everything work again, and start a new list of calls."""
        self._failures.clear()
        self.called.clear()

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        timeout: float,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
        log: Path | None = None,
        check: bool = True,
    ) -> Completed:
        """The door's own signature."""
        assert timeout > 0
        assert stdin is None
        assert env is None or all(env.values())
        call = [str(part) for part in argv]
        self.called.append(call)
        name = Path(call[0]).name
        when, words = self._failures.get(name, ("", ""))
        if words and when in " ".join(call):
            returncode, stdout = 1, words
        else:
            returncode, stdout = self._answer(name, call[1:], cwd or Path())
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(stdout, encoding="utf-8")
        done = Completed(argv=tuple(call), returncode=returncode, stdout=stdout, stderr="", seconds=0.0)
        if check and returncode != 0:
            raise CommandFailedError(done)
        return done

    def _answer(self, name: str, args: list[str], cwd: Path) -> tuple[int, str]:
        if name == "go":
            return self._go(args, cwd)
        if name == "mmdebstrap":
            for arg in args:
                if arg.startswith("--customize-hook=download "):
                    Path(arg.split()[-1]).write_bytes(b"collected")
                elif arg.endswith("rootfs.tar"):
                    Path(arg).write_bytes(b"root file system")
            return 0, ""
        if name == "apt-config":
            return 0, 'Acquire::Retries "3";\n'
        return self._podman(args)

    def _go(self, args: list[str], cwd: Path) -> tuple[int, str]:
        if args[0] == "version":
            return 0, "go version go1.26.8 linux/amd64\n"
        if args[0] == "build":
            at = args.index("-o")
            out = Path(args[at + 1])
            out.mkdir(parents=True)
            sources = b"".join(path.read_bytes() for path in sorted(cwd.iterdir()))
            for package in args[at + 2 :]:
                last = cwd.name if package == "." else package.rsplit("/", 1)[-1]
                (out / last).write_bytes(b"binary of " + package.encode() + sources)
        return 0, ""

    def _podman(self, args: list[str]) -> tuple[int, str]:
        match args:
            case ["build", *_]:
                self.images[args[args.index("--tag") + 1]] = _digest_of_context(Path(args[-1]))
            case ["image", "inspect", *_]:
                found = self.images.get(args[-1])
                return (0, f"{found}\n") if found else (1, "no such image")
            case ["image", "ls", *_]:
                return 0, "\n".join(self.images.values() if "--quiet" in args else self.images)
            case ["image", "rm", *_]:
                for tag in [tag for tag, found in self.images.items() if args[-1] in {tag, found}]:
                    del self.images[tag]
            case ["save", *_]:
                _save(Path(args[args.index("--output") + 1]), args[-1], self.images[args[-1]])
            case ["load", *_]:
                with tarfile.open(args[-1]) as tar:
                    stream = tar.extractfile("manifest.json")
                    assert stream is not None
                    entry = json.load(stream)[0]
                self.images.update(dict.fromkeys(entry["RepoTags"], entry["Config"].removesuffix(".json")))
            case _:
                return self._containers(args)
        return 0, ""

    def _containers(self, args: list[str]) -> tuple[int, str]:
        match args:
            case ["ps", *_]:
                label = args[args.index("--filter") + 1].removeprefix("label=")
                return 0, "\n".join(name for name, labels in self.containers.items() if label in labels)
            case ["inspect", "--type", "container", *ids]:
                return 0, json.dumps([_container(each, self.containers[each]) for each in ids])
            case ["rm", *_]:
                del self.containers[args[-1]]
            case ["volume", "ls", *_]:
                pass
            case _:
                raise AssertionError(args)
        return 0, ""


def _container(name: str, labels: Mapping[str, str]) -> dict[str, object]:
    return {"Id": name, "Name": name, "State": {"Status": "running"}, "Config": {"Labels": labels}}


def _digest_of_context(context: Path) -> str:
    state = hashlib.sha256()
    for path in sorted(context.rglob("*")):
        if path.is_file():
            state.update(path.name.encode() + path.read_bytes())
    return state.hexdigest()


def _save(archive: Path, tag: str, image: str) -> None:
    manifest = [{"Config": f"{image}.json", "RepoTags": [tag]}]
    files = {f"{image}.json": b"{}", "repositories": b"{}", "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(archive, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), 1_234_567_890
            tar.addfile(entry, io.BytesIO(content))
