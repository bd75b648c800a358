"""Does this Docker really run a privileged container? Some do not, and say so only when asked to.

The trial imports an image of one program (the host's own ``true``, with the libraries that it needs), runs
it as kind would run a node, and removes it: nothing is pulled.
"""

import functools
import re
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from meshproof.engine.container import LABEL
from meshproof.engine.process import CommandFailedError, Completed, run
from meshproof.model.errors import HarnessError

__all__ = ["NOT_TRIED", "Trial", "try_docker"]

_ANSWER_S: Final = 10.0  # a healthy daemon answers in 20 ms; a hung one must not hold up the preflight
_TRIAL_S: Final = 60.0  # one container on a busy machine
_LEFTOVER_AGE: Final = "1h"  # an older image of a trial belongs to a process that was killed

_LIBRARY = re.compile(r"(/\S+) \(0x[0-9a-f]+\)")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What became of the trial; ``words`` is the engine's version when it works, else why not."""

    state: Literal["absent", "not-tried", "shim", "no-daemon", "refused", "works"]
    words: str = ""


NOT_TRIED: Final = Trial(state="not-tried", words="podman was asked for")


@functools.cache
def try_docker(program: str) -> Trial:
    """Try ``program`` (a path); the answer is remembered for this process only. Raises nothing of ours."""
    try:
        said = run([program, "--version"], timeout=_ANSWER_S).stdout.strip()
        if not said.startswith("Docker version"):
            return Trial(state="shim", words=f"it is not Docker, it says {said[:80]!r}")
        answer = run([program, "version", "--format", "{{.Server.Version}}"], timeout=_ANSWER_S, check=False)
        if answer.returncode != 0:
            return Trial(state="no-daemon", words=_last_words(answer))
        _run_privileged(program)
    except CommandFailedError as error:
        return Trial(state="refused", words=_last_words(error.completed))
    except (HarnessError, OSError) as error:
        return Trial(state="refused", words=str(error).splitlines()[0])
    return Trial(state="works", words=answer.stdout.strip())


def _run_privileged(program: str) -> None:
    """Run a throwaway container as kind runs a node; raises CommandFailedError with the engine's words."""
    probe = f"{LABEL}=probe"
    leftovers = ["--filter", f"label={probe}", "--filter", f"until={_LEFTOVER_AGE}"]
    run([program, "image", "prune", "--force", *leftovers], timeout=_TRIAL_S, check=False)
    with tempfile.TemporaryDirectory(prefix="meshproof-probe-") as folder:
        archive = Path(folder) / "probe.tar"
        write_probe(archive)
        changes = ["--change", f"LABEL {probe}", "--change", 'ENTRYPOINT ["/true"]']
        image = run([program, "import", *changes, archive], timeout=_TRIAL_S).stdout.strip()
    try:
        flags = ["--rm", "--privileged", "--cgroupns=private", "--network=none", "--label", probe]
        run([program, "run", *flags, image], timeout=_TRIAL_S)
    finally:
        run([program, "image", "rm", "--force", image], timeout=_TRIAL_S, check=False)


def write_probe(archive: Path) -> None:
    """Write a root file system of ``/true`` and the libraries that it loads; raises HarnessError, OSError."""
    program = shutil.which("true")
    if program is None:
        raise HarnessError(where="true", problem="not in PATH", remedy="install coreutils")
    loads = run(["ldd", program], timeout=_ANSWER_S, check=False).stdout  # status 1: a static program
    with tarfile.open(archive, "w") as tar:
        for name, source in [("true", program), *((path, path) for path in _LIBRARY.findall(loads))]:
            real = Path(source).resolve()
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size = real.stat().st_size
            entry.mode = 0o755
            with real.open("rb") as content:
                tar.addfile(entry, content)


def _last_words(completed: Completed) -> str:
    lines = (completed.stderr.strip() or completed.stdout.strip()).splitlines()
    return lines[-1] if lines else f"exit status {completed.returncode}"
