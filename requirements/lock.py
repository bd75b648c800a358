"""Pin what pyproject.toml and the client image ask for, with hashes and without any index: ``make lock``."""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENT = HERE.parent / "bundle" / "images" / "client"


def compile_to(output: Path, wanted: list[str]) -> None:
    """Resolve ``wanted`` and write ``output``; what it pins already stays unless it no longer fits."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "wanted.in"
        source.write_text("\n".join(wanted) + "\n")
        options = [
            "--quiet",
            "--generate-hashes",
            "--allow-unsafe",
            "--no-strip-extras",  # an older pip forgets the pin of what a dependency asks for with an extra
            "--no-header",
            "--no-annotate",
        ]
        nameless = ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host"]
        command = [sys.executable, "-m", "piptools", "compile", *options, *nameless, *sys.argv[1:]]
        subprocess.run([*command, "--output-file", output, source], check=True)


if __name__ == "__main__":
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
    run = project["build-system"]["requires"] + project["project"]["dependencies"]
    compile_to(HERE / "run.txt", run)
    compile_to(HERE / "dev.txt", run + project["dependency-groups"]["dev"])
    # Resolved for the Python that runs this, which only differs from the image's where a marker says so.
    compile_to(CLIENT / "requirements.txt", (CLIENT / "requirements.in").read_text().splitlines())
