"""The whole evaluation on small copies of every data set, with a tiny model of random weights."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import suite_trees
from suite_direct import DIRECT, options

from aio_reid.api import AIO
from aio_reid.datasets import (
    pku_sketch,
)
from aio_reid.datasets.manifest import read_manifest
from aio_reid.evaluation.embed import CachedEmbedder
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.evaluation.protocols.pku_sketch import evaluate_fifty_persons
from aio_reid.evaluation.report import make_table, read_result
from aio_reid.evaluation.suite import run_suite
from aio_reid.records import Query


class Counter:
    """Counts what the model embeds, and stops it where it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.num_embedded = 0
        self.stop_after: int | None = None
        embed = AIO.embed_queries

        def counted(model: AIO, queries: list[Query], fusion: str) -> Any:
            if self.stop_after is not None and self.num_embedded >= self.stop_after:
                raise KeyboardInterrupt
            self.num_embedded += len(queries)
            return embed(model, queries, fusion)

        monkeypatch.setattr(AIO, "embed_queries", counted)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    return Counter(monkeypatch)


def test_every_row_is_what_its_protocol_says(root: Path, tiny_weights: str, tmp_path: Path, counter: Counter) -> None:
    out = tmp_path / "run"
    outcomes = run_suite(root, out, options(tiny_weights))
    assert {o.row.name: (o.state, o.reason) for o in outcomes} == dict.fromkeys(DIRECT, ("done", ""))
    assert [o.row.name for o in outcomes] == list(DIRECT), "as in the paper first"
    num_embedded = counter.num_embedded
    model = AIO.load(tiny_weights, "cpu")
    for name, direct in DIRECT.items():
        expected = direct(root, CachedEmbedder(model.embed_queries, reliability=model.reliability))
        found = json.loads((out / "rows" / f"{name}.json").read_text(encoding="utf-8"))
        assert (found["protocol"]["name"], found["left_out"]) == (expected.protocol, expected.left_out)
        rows = {(task["task"], task["fusion"]): task for task in found["tasks"]}
        assert list(rows) == [(task.task, task.fusion) for task in expected.tasks] and rows
        for task in expected.tasks:
            row = rows[task.task, task.fusion]
            assert (row["mAP"], row["mINP"]) == pytest.approx((task.scores.mAP, task.scores.mINP), abs=1e-6)
            assert row["rank"] == pytest.approx({str(k): v for k, v in task.scores.rank.items()}, abs=1e-6)
        assert str(root) not in json.dumps(found)
    check_forms_agree(out)

    counter.num_embedded = 0
    before = {path.name: path.read_bytes() for path in (out / "rows").iterdir()}
    run_suite(root, out, options(tiny_weights))
    assert {path.name: path.read_bytes() for path in (out / "rows").iterdir()} == before
    run_suite(root, out, options(tiny_weights, fresh=True))
    assert {path.name: path.read_bytes() for path in (out / "rows").iterdir()} != before
    assert counter.num_embedded == 0 < num_embedded


def check_forms_agree(out: Path) -> None:
    """JSON, CSV, Markdown and LaTeX hold the same cells in the same order."""
    result = read_result(out / "zero_shot.json")
    table = make_table(result)
    expected = [list(row) for row in table.rows]
    assert [row[5] for row in expected] == [
        f"{100 * scores['rank']['1']:.1f}" for row in result["rows"] for scores in first_of_each(row)
    ]
    read = list(csv.reader(io.StringIO((out / "zero_shot.csv").read_text(encoding="utf-8"))))
    assert read == [list(table.header), *expected]
    markdown = (out / "zero_shot.md").read_text(encoding="utf-8")
    lines = [line for line in markdown.splitlines() if line.startswith("| ") and not line.startswith("| task")]
    assert [line.strip("| ").split(" | ") for line in lines] == expected
    latex = (out / "zero_shot.tex").read_text(encoding="utf-8")
    lines = [line.removesuffix(r" \\") for line in latex.splitlines() if line.endswith(r"\\") and "task &" not in line]
    assert [line.replace("--", "–").replace(r"$\times$", "×").split(" & ") for line in lines] == expected
    assert latex.count(r"\caption") - latex.count("(continued)") == 3  # sections; a long one has several tables
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == latex.count(r"\caption")
    for figure in ("79.6 (a)", "57.6 (a)", "70.2 (a)", "53.4 (a)", "92.1 (a)", "15.4 (b)"):
        assert sum(row[-1] == figure for row in expected) == 1
    assert "as reported by secondary sources" in markdown and "as reported by secondary sources" in latex


def first_of_each(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The scores that stand first in each line: of early fusion, where there is a choice."""
    return [found for found in [*row["tasks"], *row["averages"]] if found["fusion"] != "late"]


def test_an_interrupted_run_goes_on(root: Path, tiny_weights: str, tmp_path: Path, counter: Counter) -> None:
    chosen = options(tiny_weights, protocols="market1501,cuhk-pedes,tri-cuhk-pedes")
    run_suite(root, tmp_path / "whole", chosen)
    num_whole, counter.num_embedded = counter.num_embedded, 0
    counter.stop_after = 13 + 8  # Market's photos, the sentences of CUHK-PEDES, and then its photos
    with pytest.raises(KeyboardInterrupt):
        run_suite(root, tmp_path / "run", chosen)
    assert [path.name for path in (tmp_path / "run" / "rows").iterdir()] == ["market1501.json"]
    assert counter.num_embedded == 21
    counter.stop_after = None
    run_suite(root, tmp_path / "run", chosen)
    assert counter.num_embedded == num_whole
    tables = [make_table(read_result(tmp_path / name / "zero_shot.json")).rows for name in ("whole", "run")]
    assert tables[0] == tables[1]


def test_a_kept_row_is_scored_again_when_anything_of_it_changes(
    root: Path, tiny_weights: str, photo_weights: str, tmp_path: Path
) -> None:
    data, out = tmp_path / "data", tmp_path / "run"
    suite_trees.market1501(data / "market1501")
    path = out / "rows" / "market1501.json"

    def rerun(weights: str = tiny_weights) -> bool:
        """Tell whether the row was scored; its record is then written anew, with perhaps the very same bytes."""
        before = path.stat() if path.exists() else None
        run_suite(data, out, options(weights))
        now = path.stat()
        return before is None or (now.st_ino, now.st_mtime_ns) != (before.st_ino, before.st_mtime_ns)

    assert rerun() and not rerun()
    assert rerun(photo_weights) and not rerun(photo_weights)
    suite_trees.draw(data / "market1501" / "bounding_box_test" / "0001_c4s1_000301_00.jpg")
    assert rerun(photo_weights) and not rerun(photo_weights), "another picture"
    suite_trees.draw(data / "market1501" / "bounding_box_train" / "0011_c1s1_000451_00.jpg")
    assert rerun(photo_weights) and not rerun(photo_weights), "the copy is more whole than it was, as the table says"
    query = data / "market1501" / "query"
    (query / "0001_c1s1_001051_00.jpg").write_bytes((query / "0002_c1s1_001051_00.jpg").read_bytes())
    assert rerun(photo_weights), "the same name and other pixels"
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    assert rerun(photo_weights), "a damaged record"


def test_repetitions_are_averaged(root: Path, tiny_weights: str, tmp_path: Path) -> None:
    chosen = options(tiny_weights, protocols="manifest,pku-sketch-50,market1501", repetitions=3)
    outcomes = {o.row.name: o.result or {} for o in run_suite(root, tmp_path / "run", chosen)}
    assert outcomes["market1501"]["suite"]["seeds"] == outcomes["market1501"]["suite"]["deviations"] == []
    model = AIO.load(tiny_weights, "cpu")
    embed = CachedEmbedder(model.embed_queries, reliability=model.reliability)
    for name, evaluate, records in (
        ("manifest-people", evaluate_combinations, read_manifest(root / "people" / "manifest.csv")),
        ("pku-sketch-50", evaluate_fifty_persons, pku_sketch.parse(root / "PKU-Sketch")),
    ):
        runs = [evaluate(records, embed, seed=seed) for seed in range(3)]
        for number, task in enumerate(runs[0].tasks):
            values = [run.tasks[number].scores.mAP for run in runs]
            found, deviation = outcomes[name]["tasks"][number], outcomes[name]["suite"]["deviations"][number]
            assert (found["task"], deviation["task"]) == (task.task, task.task)
            assert found["mAP"] == pytest.approx(np.mean(values), abs=1e-6)
            assert deviation["mAP"] == pytest.approx(np.std(values, ddof=1), abs=1e-6)
    lines = make_table(read_result(tmp_path / "run" / "zero_shot.json")).rows
    assert re.fullmatch(r"\d+\.\d ± \d+\.\d", next(row[8] for row in lines if row[2] == "RT"))
    assert next(row[8] for row in lines if row[1].startswith("Market")).count("±") == 0
    assert next(row[3] for row in lines if row[1].startswith("PKU")) == "50 × 30"
