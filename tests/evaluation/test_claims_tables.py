"""The tables of the tested claims, on two made rows."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.report import make_table, to_markdown

ROOT = Path(__file__).resolve().parents[2]


def found(mean: float, deviation: float | None = 0.01) -> dict[str, dict[str, float | None]]:
    return {metric: {"mean": mean, "deviation": deviation} for metric in ("rank1", "mAP")}


def difference(mean: float, *, is_clear: bool) -> dict[str, Any]:
    one = {"mean": mean, "deviation": 0.02, "standard_error": 0.01, "is_clear": is_clear}
    return {"rank1": one | {"is_clear": False}, "mAP": one}


def result() -> dict[str, Any]:
    cells = {name: found(0.5) for name in ("R single", "I single", "S single", "T single", "RT early", "RT late")}
    cells |= {"RIST early": found(0.25, None), "RIST late, equal": found(0.125)}
    base = {"training_s": 61.4, "seeds": [1, 2], "cells": cells}
    full = base | {"name": "full", "title": "full", "changed": "Nothing.", "against": None, "differences": {}}
    less = base | {"name": "no-fb", "title": "without FB", "changed": "No FB.", "against": "full", "seeds": [1]}
    less["differences"] = {"R single": difference(-0.1, is_clear=True), "RIST early": difference(0.1, is_clear=False)}
    return {
        "kind": "claims",
        "is_trial": False,
        "seeds": [1, 2],
        "steps": {"stage1": 10, "stage2": 20, "pretraining": 30},
        "rows": [full, less],
        "fusion": {"early minus late": {"RT": difference(0.03, is_clear=True)}},
        "failures": {"no-va:2": "loss not finite"},
        "commits": ["0123456789abcdef"],
        "runs": [{"stages": {"stage1": {"tasks": [{"num_queries": 200, "num_gallery": 600}]}}}],
        "command": "python benchmarks/claims.py",
        "provenance": {
            "commit": "0123456789abcdef",
            "dirty": False,
            "time_utc": "2026-11-20T20:00:00+00:00",
            "hardware": {"cpu": "Some CPU", "cores": 2, "gpu": None},
        },
    }


def test_variants() -> None:
    table = make_table(result())
    assert table.header == ("variant", "R", "I", "S", "T", "RIST early", "RIST late", "seconds")
    assert table.rows[0] == ("full", *["50.0 ± 1.0 / 50.0 ± 1.0"] * 4, "25.0 / 25.0", "–", "61")
    notes = "\n".join(table.notes)
    assert "over seeds 1, 2" in notes and "*without FB*: No FB." in notes
    assert "compared with): without FB (R -10.0)." in notes
    assert "200 queries, 600 photos; steps: 10 in stage 1, 20 in stage 2" in notes
    assert "Not of all seeds: without FB ([1])." in notes
    assert "Failed: no-va:2: loss not finite." in notes
    assert "trial" not in notes
    assert "several commits" not in notes
    mixed = make_table(result() | {"commits": ["a" * 40, "b" * 40]}).notes
    assert "Runs of several commits: aaaaaaaaaa, bbbbbbbbbb." in mixed
    assert "A trial" in "\n".join(make_table(result() | {"is_trial": True}).notes)


def test_differences() -> None:
    table = make_table(result(), "differences")
    assert table.header[:3] == ("variant", "minus", "R")
    assert table.rows == (
        ("without FB", "full", "-10.0 ± 2.0 / -10.0 ± 2.0*", "–", "–", "–", "+10.0 ± 2.0 / +10.0 ± 2.0", "–"),
    )


def test_combinations() -> None:
    table = make_table(result(), "combinations")
    assert table.header == ("query", "early", "late", "late, equal", "early minus late")
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows) == ["R", "I", "S", "T", "RT", "RIST"]
    half = "50.0 ± 1.0 / 50.0 ± 1.0"
    assert rows["R"] == (half, "–", "–", "–")
    assert rows["RT"] == (half, half, "–", "+3.0 ± 2.0 / +3.0 ± 2.0*")
    without = result()
    without["rows"] = without["rows"][1:]
    assert make_table(without, "combinations").rows == ()
    assert rows["RIST"] == ("25.0 / 25.0", "–", "12.5 ± 1.0 / 12.5 ± 1.0", "–")


def test_unknown_views_are_refused() -> None:
    with pytest.raises(DataError, match="has no view 'other'; it has: differences, combinations"):
        make_table(result(), "other")
    with pytest.raises(DataError, match="'search_speed' has no view 'other'; it has: no other tables"):
        make_table({"kind": "search_speed"}, "other")


def test_a_document_may_show_several_tables_of_a_result(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("readme_tables", ROOT / "scripts" / "readme_tables.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    (tmp_path / "claims.json").write_text(json.dumps(result()))
    marks = "".join(f"<!-- table:{name} -->\n<!-- /table -->\n" for name in ("claims", "claims:combinations"))
    filled, changed = script.fill_tables(marks, tmp_path)
    assert changed == ["claims", "claims:combinations"]
    assert to_markdown(make_table(result(), "combinations")) in filled
    assert script.fill_tables(filled, tmp_path) == (filled, [])
