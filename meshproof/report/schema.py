"""The JSON Schemas of report.json and of a baseline, generated: ``python -m meshproof.report.schema``."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from meshproof.model.baseline import BASELINE_VERSION, Baseline
from meshproof.model.run import SCHEMA_VERSION, Run
from meshproof.paths import PROJECT_ROOT
from meshproof.report.store import atomic_write

__all__ = ["SCHEMA_FOLDER", "baseline_schema", "report_schema", "schemas", "write_schemas"]

SCHEMA_FOLDER: Final = PROJECT_ROOT / "reports" / "schema"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# What a reader may rely on in every report of this version, though the types have defaults for it.
_ALWAYS_THERE: Final[dict[str, tuple[str, ...]]] = {
    "Run": ("schema_version", "run", "environment", "verdicts", "summary", "overhead"),
    "RunInfo": ("id", "started", "finished", "state"),
    "Environment": ("kubernetes", "mesh", "proxy", "bundle_digest", "nodes"),
    "Verdict": ("convergence_s",),
}


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> schema."""
    return {
        f"report-{SCHEMA_VERSION}.schema.json": report_schema(),
        f"baseline-{BASELINE_VERSION}.schema.json": baseline_schema(),
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
    return {"$schema": _DIALECT, "title": "meshproof report.json", **schema}


def baseline_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a baseline. It is committed and read by people: no other field is allowed."""
    schema = msgspec.json.schema(Baseline)
    whole: dict[str, Any] = schema["$defs"]["Baseline"]
    whole["properties"]["baseline_version"] = {"const": BASELINE_VERSION}
    whole["required"] = list(whole["properties"])
    return {"$schema": _DIALECT, "title": "meshproof baseline", **schema}


def write_schemas(folder: Path = SCHEMA_FOLDER) -> None:
    """Write the schemas where they are committed. Raises OSError."""
    for name, schema in schemas().items():
        atomic_write(folder / name, json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write_schemas()
