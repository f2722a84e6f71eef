"""How a benchmark keeps what it measured: with the call that repeats it, commit and machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aio_reid.evaluation.record import describe_command, write_json
from aio_reid.provenance import collect_provenance


def store_result(out: Path, kind: str, measured: Mapping[str, Any], *, seed: int | None = None) -> dict[str, Any]:
    """Write a result as JSON, say where, and return it.

    Args:
        out: the file, whole or not at all.
        kind: by which scripts/readme_tables.py knows its table.
        measured: plain data.
        seed: what was drawn with, where anything was.
    """
    script = Path("benchmarks") / Path(sys.argv[0]).name
    result = {
        "kind": kind,
        **measured,
        "command": describe_command(["python", str(script), *sys.argv[1:]]),
        "provenance": collect_provenance(seed=seed),
    }
    write_json(out, result)
    print(f"written: {out}")
    return result
