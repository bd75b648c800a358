"""The JSON Schema of ``report.json``, generated from the types: ``python -m meshproof.report.schema``."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from meshproof.model.run import SCHEMA_VERSION, Run
from meshproof.paths import PROJECT_ROOT
from meshproof.report.store import atomic_write

__all__ = ["SCHEMA_FILE", "report_schema", "write_schema"]

SCHEMA_FILE: Final = PROJECT_ROOT / "reports" / "schema" / f"report-{SCHEMA_VERSION}.schema.json"

# What a reader may rely on in every report of this version, though the types have defaults for it.
_ALWAYS_THERE: Final[dict[str, tuple[str, ...]]] = {
    "Run": ("schema_version", "run", "environment", "verdicts", "summary", "overhead"),
    "RunInfo": ("id", "started", "finished", "state"),
    "Environment": ("kubernetes", "mesh", "proxy", "bundle_digest", "nodes"),
    "Verdict": ("convergence_s",),
}


def report_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a report. Fields that are not in it are allowed: later versions add some."""
    schema = msgspec.json.schema(Run)
    definitions: dict[str, dict[str, Any]] = schema["$defs"]
    for name, fields in _ALWAYS_THERE.items():
        definition = definitions[name]
        required = {*definition.get("required", ()), *fields}
        definition["required"] = [field for field in definition["properties"] if field in required]
    definitions["Run"]["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "meshproof report.json",
        **schema,
    }


def write_schema(path: Path = SCHEMA_FILE) -> Path:
    """Write the schema where it is committed. Raises OSError."""
    atomic_write(path, json.dumps(report_schema(), indent=2, ensure_ascii=False) + "\n")
    return path


if __name__ == "__main__":
    write_schema()
