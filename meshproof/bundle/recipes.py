"""The steps of a build: what each is keyed by, what it runs, and after what."""

import platform
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from meshproof.bundle import golang, userland
from meshproof.bundle.digest import digest_of_file, digest_of_tree, digest_of_value
from meshproof.bundle.golang import Go
from meshproof.bundle.images import ARCHIVE, ImageInputs, build_image
from meshproof.bundle.lock import Component, Image, Lock, Python, Userland
from meshproof.bundle.schedule import Task
from meshproof.bundle.store import Output, StepStore
from meshproof.engine.container import Engine
from meshproof.engine.process import run
from meshproof.engine.progress import Steps

__all__ = ["LANES", "Recipes", "key_of_node"]

# How many steps of a kind run side by side: a compiler takes every processor, an engine its own lock.
LANES: Final = {"compile": 1, "network": 1, "packages": 1, "engine": 1}

# Seconds measured on 2 cores, for the display.
_ESTIMATES: Final = {
    "kubernetes": 283.0, "traefik": 227.0, "jaeger": 100.0, "helm": 61.0, "coredns": 51.0,
    "traefik-mesh": 47.0, "etcd": 22.0, "fortio": 18.0, "userland-node": 70.0, "userland-prometheus": 45.0,
    "userland-client": 25.0, "image-node": 40.0,
}  # fmt: skip
_BOOTSTRAP_S: Final = 1800.0
_PIP_S: Final = 900.0
_ENGINE_TAGS: Final = "meshproof.dev/build"


@dataclass(frozen=True, kw_only=True)
class Recipes:
    """Turns the rows of a lock into tasks; ``outputs`` fills up as they run."""

    lock: Lock
    folder: Path
    cache: Path
    store: StepStore
    engine: Engine
    go: Go
    steps: Steps
    outputs: dict[str, Output] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tasks(self) -> list[Task]:
        """Every step, in the order in which they should start where there is a choice."""
        tasks: list[Task] = []
        for component in self.lock.component:
            tasks += self._go_tasks(component)
        tasks += [
            Task(name=f"userland-{row.name}", lane="packages", action=partial(self._userland, row))
            for row in self.lock.userland
        ]
        tasks += [
            Task(name=f"python-{row.name}", lane="packages", action=partial(self._python, row))
            for row in self.lock.python
        ]
        others = [image for image in self.lock.image if image.role != "node"]
        for image in others:
            tasks.append(
                Task(
                    name=f"image-{image.role}",
                    lane="engine",
                    needs=self._needs(image),
                    action=partial(self._image, image),
                )
            )
        node = next(image for image in self.lock.image if image.role == "node")
        inside = [image for image in others if image.load == "node"]
        needs = (*self._needs(node), *(f"image-{image.role}" for image in inside))
        tasks.append(
            Task(name="image-node", lane="engine", needs=needs, action=partial(self._node, node, inside))
        )
        return tasks

    def program(self, name: str) -> Path:
        """Where a program was built."""
        row = next(each for each in self.lock.program if each.name == name)
        return self.outputs[f"go-{row.component}"].path(name)

    def node_reference(self) -> str:
        """The node image's reference in the engine, once it is built."""
        return self.outputs["image-node"].path("reference").read_text(encoding="utf-8")

    def _needs(self, image: Image) -> tuple[str, ...]:
        components = {each.component for each in self.lock.program if each.name in image.programs}
        steps = {_step_of(archive) for archive in image.archives}
        return (*sorted(f"go-{name}" for name in components), *sorted(steps))

    def _archive(self, archive: str) -> Path:
        name = archive.partition("/")[2]
        return self.outputs[_step_of(archive)].path(f"{name}.tar")

    def _log(self, name: str) -> Path:
        return self.cache / "log" / f"{name}.log"

    def _obtain(self, name: str, inputs: Mapping[str, Any], action: Callable[[Path], None]) -> Output:
        output = self.store.find(name, inputs)
        if output is None:
            self._log(name).unlink(missing_ok=True)
            with self.steps.step(name, estimate_s=_ESTIMATES.get(name.removeprefix("go-"))):
                output = self.store.make(name, inputs, action)
        with self._lock:
            self.outputs[name] = output
        return output

    # --- Go ---

    def _go_tasks(self, component: Component) -> list[Task]:
        fetch = Task(name=f"fetch-{component.name}", lane="network", action=partial(self._fetch, component))
        build = Task(
            name=f"go-{component.name}",
            lane="compile",
            needs=(fetch.name,),
            action=partial(self._compile, component),
        )
        return [fetch, build]

    def _go_inputs(self, component: Component) -> dict[str, Any]:
        programs = self.lock.programs_of(component.name)
        names = Path("go"), Path("out")
        bare = Go(program=names[0], version=self.go.version, platform=self.go.platform)
        return {
            "go": [self.go.version, self.go.platform],
            "module": digest_of_tree(self.folder / component.folder),
            "argv": [str(part) for part in golang.build_arguments(bare, component, programs, names[1])],
            "programs": [each.name for each in programs],
        }

    def _fetch(self, component: Component) -> None:
        if self.store.find(f"go-{component.name}", self._go_inputs(component)):
            return
        with self.steps.step(f"modules of {component.name}"):
            run(
                golang.fetch_arguments(self.go, self.lock.programs_of(component.name)),
                timeout=golang.FETCH_S,
                env=self.go.env(self.cache),
                cwd=self.folder / component.folder,
                log=self._log(f"fetch-{component.name}"),
            )
            golang.drop_archives(self.cache)

    def _compile(self, component: Component) -> None:
        programs = self.lock.programs_of(component.name)

        def build(folder: Path) -> None:
            made = folder / "made"
            run(
                golang.build_arguments(self.go, component, programs, made),
                timeout=golang.BUILD_S,
                env=self.go.env(self.cache),
                cwd=self.folder / component.folder,
                log=self._log(f"go-{component.name}"),
            )
            for program in programs:
                (made / golang.built_name(component, program)).rename(folder / program.name)
            made.rmdir()

        self._obtain(f"go-{component.name}", self._go_inputs(component), build)

    # --- Debian and Python ---

    def _userland(self, row: Userland) -> None:
        release = self.lock.debian.release
        nowhere = Path("/nowhere")
        inputs = {
            "argv": [
                str(part)
                for part in userland.bootstrap_arguments(
                    row, release=release, sources=[], options=[], recipes=nowhere, output=nowhere
                )
            ],
            "hooks": [digest_of_file(self.folder / hook) for hook in row.hooks],
            "machine": platform.machine(),
        }
        if not self.lock.keeps_rootfs(row.name):
            inputs["kept"] = row.collects

        def bootstrap(folder: Path) -> None:
            argv = userland.bootstrap_arguments(
                row,
                release=release,
                sources=userland.machine_sources(release),
                options=userland.machine_apt_options(),
                recipes=self.folder,
                output=folder,
            )
            env = {"SOURCE_DATE_EPOCH": "0"}
            run(argv, timeout=_BOOTSTRAP_S, env=env, log=self._log(f"userland-{row.name}"))
            if not self.lock.keeps_rootfs(row.name):
                (folder / "rootfs.tar").unlink()

        self._obtain(f"userland-{row.name}", inputs, bootstrap)

    def _python(self, row: Python) -> None:
        inputs = {
            "requirements": digest_of_file(self.folder / row.requirements),
            "version": row.version,
            "form": 2,  # raise when what pack() writes changes
            "machine": platform.machine(),
        }

        def install(folder: Path) -> None:
            target = folder / "site"
            argv = userland.pip_arguments(row, recipes=self.folder, output=target)
            run(argv, timeout=_PIP_S, log=self._log(f"python-{row.name}"))
            userland.pack(target, folder / "python.tar")

        self._obtain(f"python-{row.name}", inputs, install)

    # --- Images ---

    def _files(self, image: Image) -> dict[str, Path]:
        files = {f"bin/{name}": self.program(name) for name in image.programs}
        return files | {f"archives/{Path(a).name}.tar": self._archive(a) for a in image.archives}

    def _inputs(self, image: Image, files: Mapping[str, Path], texts: Mapping[str, str]) -> dict[str, Any]:
        return {
            "recipe": digest_of_tree(self.folder / image.recipe),
            "files": {name: self._digest(path) for name, path in files.items()},
            "texts": dict(texts),
            "reference": image.reference,
        }

    def _digest(self, path: Path) -> str:
        for output in self.outputs.values():
            if path.is_relative_to(output.root):
                return output.files[path.relative_to(output.root).as_posix()].sha256
        raise KeyError(path)

    def _image(self, image: Image) -> None:
        files = self._files(image)

        def build(folder: Path) -> None:
            build_image(
                self.engine,
                ImageInputs(recipe=self.folder / image.recipe, files=files, texts={}),
                tag=f"{_ENGINE_TAGS}/{image.role}:latest",
                references=[image.reference],
                folder=folder,
                log=self._log(f"image-{image.role}"),
                keep=False,
            )

        self._obtain(f"image-{image.role}", self._inputs(image, files, {}), build)

    def _node(self, image: Image, inside: list[Image]) -> None:
        files = self._files(image)
        files |= {
            f"images/{each.role}.tar": self.outputs[f"image-{each.role}"].path(ARCHIVE) for each in inside
        }
        texts = {"version": f"{self.lock.versions()['kubernetes']}\n"}
        inputs = self._inputs(image, files, texts)
        tag = f"{image.reference}-{key_of_node(inputs)}"

        def build(folder: Path) -> None:
            build_image(
                self.engine,
                ImageInputs(recipe=self.folder / image.recipe, files=files, texts=texts),
                tag=tag,
                references=[tag],
                folder=folder,
                log=self._log("image-node"),
                keep=True,
            )
            (folder / "reference").write_text(tag, encoding="utf-8")

        self._obtain("image-node", inputs, build)


def key_of_node(inputs: Mapping[str, Any]) -> str:
    """Twelve hex digits for what is in the node image: another content never has the same tag."""
    return digest_of_value(inputs)[7:19]


def _step_of(archive: str) -> str:
    owner, _, name = archive.partition("/")
    return f"{'python' if name == 'python' else 'userland'}-{owner}"
