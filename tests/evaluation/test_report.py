"""Tables: fractions become percent here, and the README holds what the result files say."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.report import Table, make_table, read_result, to_csv, to_markdown

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = {
    "command": "aio-reid evaluate m.csv",
    "seed": 3,
    "provenance": {
        "commit": "0123456789abcdef",
        "dirty": False,
        "time_utc": "2026-11-20T20:00:00+00:00",
        "hardware": {"cpu": "Some CPU", "cores": 2, "gpu": None},
    },
}


def task(name: str, fusion: str, rank1: float, without: int = 0) -> dict[str, Any]:
    rank = {"1": rank1, "5": 0.5, "10": 0.75, "20": 1.0}
    counts = {"num_queries": 8, "num_without_match": without, "num_gallery": 30}
    return {"task": name, "fusion": fusion, "rank": rank, "mAP": 0.1234, "mINP": 0.05, **counts}


def evaluation() -> dict[str, Any]:
    return ORIGIN | {
        "kind": "evaluation",
        "protocol": {"name": "any", "version": "1"},
        "dataset": {"name": "people", "counts": {}},
        "weights": {"name": "aio-nano", "sha256": "f" * 64},
        "tasks": [task("S", "single", 0.25, without=2), task("ST", "early", 0.5), task("ST", "late", 0.375)],
        "left_out": {"I": "no infrared pictures"},
    }


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_tables", ROOT / "scripts" / "readme_tables.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_evaluation_table() -> None:
    table = make_table(evaluation())
    assert table.header == ("query", "queries", "R1", "R5", "R10", "mAP", "mINP", "R1 late", "mAP late")
    assert table.rows == (
        ("S", "8", "25.0", "50.0", "75.0", "12.3", "5.0", "–", "–"),
        ("ST", "8", "50.0", "50.0", "75.0", "12.3", "5.0", "37.5", "12.3"),
    )
    notes = "\n".join(table.notes)
    assert "gallery of 30 photos, weights aio-nano (ffffffffffff)" in notes
    assert "not scored: 2 (S)" in notes
    assert "Not scored: I: no infrared pictures." in notes
    assert table.notes[-1] == "`aio-reid evaluate m.csv` (commit 0123456789, seed 3, 2 cores of Some CPU, 2026-11-20)"


def test_trials_averages_and_other_galleries_are_told() -> None:
    trials = task("S", "single", 0.25, without=4) | {"num_queries": 16}
    trials |= {"trials": [{"num_queries": 8, "num_without_match": 2}, {"num_queries": 8, "num_without_match": 2}]}
    uneven = task("T", "single", 0.5) | {"num_queries": 17}
    uneven |= {"trials": [{"num_queries": 8}, {"num_queries": 9}]}
    means = {"rank": {"1": 0.5, "5": 0.5, "10": 0.5, "20": 0.5}, "mAP": 0.25, "mINP": 0.1, "num_averaged": 2}
    averages = [{"name": "average", "fusion": fusion, **means} for fusion in ("early", "late")]
    protocol = {"name": "any", "version": "1", "gallery": "entries"}
    table = make_table(evaluation() | {"protocol": protocol, "tasks": [trials, uneven], "averages": averages})
    assert [row[:3] for row in table.rows] == [("S", "8 × 2", "25.0"), ("T", "17", "50.0"), ("average", "–", "50.0")]
    assert table.rows[-1][-2:] == ("50.0", "25.0")
    assert "gallery of 30 entries" in table.notes[0]
    assert table.notes[1] == "Rows whose queries are asked in 2 trials show the mean of the trials."
    assert table.notes[2] == "Queries without a true match, not scored: 2 × 2 (S)."


def test_nothing_scored_is_told_with_its_reason() -> None:
    table = make_table(evaluation() | {"tasks": []})
    assert table.rows == ()
    assert "gallery of 0 photos" in table.notes[0]
    assert "Not scored: I: no infrared pictures." in table.notes


def test_late_fusion_alone_fills_its_own_columns() -> None:
    result = evaluation() | {"tasks": [task("ST", "late", 0.375)]}
    assert make_table(result).rows == (("ST", "8", "–", "–", "–", "–", "–", "37.5", "12.3"),)


def test_speed_tables() -> None:
    ways = [{"what": "a", "seconds": [2.0, 4.0, 3.0], "median_s": 3.0}]
    speed = ORIGIN | {
        "kind": "embed_speed",
        "num_pictures": 512,
        "threads": 2,
        "ratio": 1.204,
        "peak_memory_mib": 900.4,
    }
    table = make_table(speed | {"ways": ways})
    assert table.rows == (("a", "3.00", "2.00 4.00 3.00", "171"),)
    assert "ratio of the medians 1.20" in table.notes[0]
    assert "900 MiB" in table.notes[0]
    search = ORIGIN | {"kind": "search_speed", "num_pictures": 9, "searches": [{"what": "first", "seconds": 12.25}]}
    assert make_table(search).rows == (("first", "12.25"),)


def test_evaluation_speed_table() -> None:
    ours = {"name": "rank/ours", "what": "ours", "num_queries": 80, "seconds": [2.0], "median_s": 2.0, "peak_mib": 50}
    other = {"name": "rank/plain", "what": "plain", "num_queries": 10, "seconds": [1.5], "median_s": 1.5, "peak_mib": 9}
    result = ORIGIN | {"kind": "evaluation_speed", "scale": 0.5, "width": 768, "threads": 2}
    result["tasks"] = [{"task": "rank M", "num_queries": 80, "num_gallery": 300, "check": {}, "ways": [ours, other]}]
    table = make_table(result)
    assert table.rows == (("rank M: ours", "80", "2.00", "1.0", "50"), ("rank M: plain", "10", "1.50", "6.0", "9"))
    assert "at 0.5 of the full size: rank M 80 x 300; float32 features of width 768, threads: 2" in table.notes[0]


def test_training_speed_table() -> None:
    plain = {"name": "plain-bf16", "what": "plain loop, bf16", "median_s": 2.0, "times_plain": 1.0, "peak_mib": 500}
    ours = {"name": "bf16", "what": "aio-reid, bf16", "median_s": 2.2, "times_plain": 1.1, "peak_mib": 480}
    fed = {"what": "data.cache", "workers": 1, "tuples_per_s": 16.0, "cached_tuples_per_s": 17.2, "ratio": 0.93}
    run = {"config": "nano", "tuples": 64, "image_size": [128, 64], "ways": [plain, ours], "pipeline": [fed]}
    dense = {"what": "dense, AdamW", "identities": 312321, "width": 768, "share": 1, "median_s": 3.5, "peak_mib": 4000}
    result = ORIGIN | {"kind": "training_speed", "device": "cpu", "threads": 2, "identities": 256, "runs": [run]}
    table = make_table(result | {"classifier": [dense]})
    assert table.rows == (
        ("nano: plain loop, bf16", "2.000", "1.00", "500", "32.0"),
        ("nano: aio-reid, bf16", "2.200", "1.10", "480", "29.1"),
        ("nano: data pipeline, data.cache, 93.0 % of cached tensors", "4.000", "–", "–", "16.0"),
        ("classifier alone, 312,321 x 768: dense, AdamW", "3.500", "–", "4000", "–"),
    )
    assert table.notes[0] == "Batches: nano 64 tuples of 128x64; 256 drawn people, cpu, threads: 2."


def test_markdown_and_csv() -> None:
    table = Table(("a", "b"), (("x | y", "1"), ("z, w", "2")), ("A note.",))
    assert to_markdown(table) == "| a | b |\n|---|---:|\n| x \\| y | 1 |\n| z, w | 2 |\n\nA note."
    assert to_csv(table) == 'a,b\nx | y,1\n"z, w",2\n'


def test_wrong_results(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    with pytest.raises(DataError, match=r"r\.json: No such file"):
        read_result(path)
    for content in ("{", "[]", '{"kind": "other"}'):
        path.write_text(content)
        with pytest.raises(DataError, match=r"r\.json is not a"):
            read_result(path)
    with pytest.raises(DataError, match="lacks 'tasks'"):
        make_table({"kind": "evaluation"})


def test_readme_is_filled_and_checked(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme, result = tmp_path / "README.md", tmp_path / "people.json"
    arguments = ["--readme", str(readme), "--results", str(tmp_path)]
    readme.write_text("# Title\n\n<!-- table:people -->\nold\n<!-- /table -->\n\nEnd.\n")
    result.write_text(json.dumps(evaluation()))
    assert script.main([*arguments, "--check"]) == 1
    assert "table people is out of date" in capsys.readouterr().err
    assert "old" in readme.read_text()
    assert script.main(arguments) == 0
    assert to_markdown(make_table(evaluation())) in readme.read_text()
    assert readme.read_text().startswith("# Title\n\n<!-- table:people -->\n| query |")
    assert readme.read_text().endswith("\n<!-- /table -->\n\nEnd.\n")
    assert script.main([*arguments, "--check"]) == 0
    result.unlink()
    assert script.main([*arguments, "--check"]) == 2
    readme.write_text("<!-- table:people -->\n")
    assert script.main(arguments) == 2
    assert "no counterpart" in capsys.readouterr().err


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="no README here")
def test_the_tables_of_readme_and_model_card_are_up_to_date(script: ModuleType) -> None:
    assert script.main(["--check"]) == 0
