"""The whole evaluation on small copies of every data set, with a tiny model of random weights."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import suite_trees

from aio_reid.api import AIO
from aio_reid.datasets import (
    cuhk03_np,
    cuhk_pedes,
    icfg_pedes,
    llcm,
    market1501,
    market_sketch_1k,
    msmt17,
    orbench,
    pku_sketch,
    regdb,
    rstpreid,
    sysu_mm01,
    tri_modal,
)
from aio_reid.datasets.manifest import read_manifest
from aio_reid.datasets.sysu_permutations import read_permutations
from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.embed import CachedEmbedder, EmbedQueries
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.evaluation.protocols.cross_camera import evaluate_cross_camera
from aio_reid.evaluation.protocols.llcm import evaluate_llcm
from aio_reid.evaluation.protocols.market_sketch_1k import evaluate_market_sketch_1k
from aio_reid.evaluation.protocols.orbench import evaluate_orbench
from aio_reid.evaluation.protocols.pku_sketch import evaluate_all_persons, evaluate_fifty_persons
from aio_reid.evaluation.protocols.regdb import evaluate_regdb
from aio_reid.evaluation.protocols.sysu_mm01 import evaluate_sysu_mm01
from aio_reid.evaluation.protocols.text_to_image import evaluate_text_to_image
from aio_reid.evaluation.protocols.tri_modal import evaluate_tri_modal
from aio_reid.evaluation.report import make_table, read_result, to_csv
from aio_reid.evaluation.rows import ROWS
from aio_reid.evaluation.scores import ProtocolScores
from aio_reid.evaluation.suite import SuiteOptions, evaluate_dataset, run_suite
from aio_reid.records import Query, Split

Direct = Callable[[Path, EmbedQueries], ProtocolScores]


def official(root: Path, embed: EmbedQueries) -> ProtocolScores:
    permutations = read_permutations(root / "SYSU-MM01" / "exp" / "rand_perm_cam.mat")
    return evaluate_sysu_mm01(sysu_mm01.parse(root / "SYSU-MM01"), embed, draw="official", permutations=permutations)


def with_tasks(root: Path, embed: EmbedQueries) -> ProtocolScores:
    gallery = [r for r in orbench.parse(root / "ORBench") if r.split is Split.GALLERY]
    return evaluate_orbench(orbench.parse_tasks(root / "ORBench"), gallery, embed)


DIRECT: dict[str, Direct] = {
    "market1501": lambda root, e: evaluate_cross_camera(market1501.parse(root / "market1501"), e),
    "sysu-mm01": lambda root, e: evaluate_sysu_mm01(sysu_mm01.parse(root / "SYSU-MM01"), e),
    "sysu-mm01-official": official,
    "pku-sketch-50": lambda root, e: evaluate_fifty_persons(pku_sketch.parse(root / "PKU-Sketch"), e, seed=0),
    "pku-sketch": lambda root, e: evaluate_all_persons(pku_sketch.parse(root / "PKU-Sketch"), e),
    "cuhk-pedes": lambda root, e: evaluate_text_to_image(cuhk_pedes.parse(root / "CUHK-PEDES"), e),
    "tri-cuhk-pedes": lambda root, e: evaluate_tri_modal(tri_modal.parse_tri_cuhk_pedes(root / "CUHK-PEDES"), e),
    "orbench": with_tasks,
    "manifest-people": lambda root, e: evaluate_combinations(read_manifest(root / "people" / "manifest.csv"), e),
    "llcm": lambda root, e: evaluate_llcm(llcm.parse(root / "LLCM"), e),
    "regdb": lambda root, e: evaluate_regdb(regdb.parse_trials(root / "RegDB"), e),
    "market-sketch-1k": lambda root, e: evaluate_market_sketch_1k(market_sketch_1k.parse(root / "Market-Sketch-1K"), e),
    "icfg-pedes": lambda root, e: evaluate_text_to_image(icfg_pedes.parse(root / "ICFG-PEDES"), e),
    "rstpreid": lambda root, e: evaluate_text_to_image(rstpreid.parse(root / "RSTPReid"), e),
    "tri-icfg-pedes": lambda root, e: evaluate_tri_modal(tri_modal.parse_tri_icfg_pedes(root / "ICFG-PEDES"), e),
    "tri-rstpreid": lambda root, e: evaluate_tri_modal(tri_modal.parse_tri_rstpreid(root / "RSTPReid"), e),
    "msmt17": lambda root, e: evaluate_cross_camera(msmt17.parse(root / "MSMT17_V1"), e),
    "cuhk03-np-detected": lambda root, e: evaluate_cross_camera(cuhk03_np.parse_detected(root / "cuhk03"), e),
    "cuhk03-np-labeled": lambda root, e: evaluate_cross_camera(cuhk03_np.parse_labeled(root / "cuhk03"), e),
}
"""Every row, by the protocol called by hand."""


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


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("all") / "data"
    suite_trees.grow_all(folder)
    return folder


def options(weights: str, **changes: Any) -> SuiteOptions:
    return SuiteOptions(weights, device="cpu", **changes)


def test_every_row_is_what_its_protocol_says(root: Path, tiny_weights: str, tmp_path: Path, counter: Counter) -> None:
    out = tmp_path / "run"
    outcomes = run_suite(root, out, options(tiny_weights))
    assert {o.row.name: (o.state, o.reason) for o in outcomes} == dict.fromkeys(DIRECT, ("done", ""))
    assert [o.row.name for o in outcomes] == list(DIRECT), "as in the paper first"
    num_embedded = counter.num_embedded
    model = AIO.load(tiny_weights, "cpu")
    for name, direct in DIRECT.items():
        expected = direct(root, CachedEmbedder(model.embed_queries))
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
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 3
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
        before = path.read_bytes() if path.exists() else b""
        run_suite(data, out, options(weights))
        return path.read_bytes() != before

    assert rerun() and not rerun()
    assert rerun(photo_weights) and not rerun(photo_weights)
    suite_trees.draw(data / "market1501" / "bounding_box_test" / "0001_c4s1_000301_00.jpg")
    assert rerun(photo_weights) and not rerun(photo_weights), "another picture"
    query = data / "market1501" / "query"
    (query / "0001_c1s1_001051_00.jpg").write_bytes((query / "0002_c1s1_001051_00.jpg").read_bytes())
    assert rerun(photo_weights), "the same name and other pixels"
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    assert rerun(photo_weights), "a damaged record"


def test_a_broken_copy_does_not_stop_the_others(root: Path, tiny_weights: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in ("market1501", "LLCM", "RSTPReid", "MSMT17_V1", "cuhk03", "SYSU-MM01"):
        suite_trees.TREES[name](data / name)
    (data / "market1501" / "query" / "0002_c1s1_001051_00.jpg").write_bytes(b"no picture")
    (data / "LLCM" / "idx" / "test_id.txt").unlink()
    (data / "RSTPReid" / "imgs" / "a" / "2.jpg").unlink()
    (data / "MSMT17_V1" / "list_query.txt").write_text("0009/0009_c1.jpg 9\n", encoding="utf-8")
    for path in sorted((data / "cuhk03" / "labeled").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (data / "notes").mkdir()
    (data / "notes" / "manifest.csv").write_text("person,modality,split,path\nann,rgb,train,a.png\n", encoding="utf-8")
    told: list[str] = []
    outcomes = {o.row.name: o for o in run_suite(data, tmp_path / "run", options(tiny_weights), tell=told.append)}
    failed = {name: o.reason for name, o in outcomes.items() if o.state == "failed"}
    assert list(failed) == ["market1501", "llcm", "rstpreid", "tri-rstpreid", "msmt17"]
    for name, words in (
        ("market1501", "0002_c1s1_001051_00.jpg"),
        ("llcm", "it lacks 'idx/test_id.txt'"),
        ("rstpreid", "1 pictures that RSTPReid/data_captions.json names are missing"),
        ("msmt17", "no photo records in the split 'query'"),
    ):
        assert words in failed[name]
        assert "\n" not in failed[name] and str(tmp_path) not in failed[name]
    assert {name for name, o in outcomes.items() if o.state == "done"} == {"sysu-mm01", "cuhk03-np-detected"}
    assert outcomes["sysu-mm01-official"].reason.startswith("the copy holds no exp/rand_perm_cam.mat or ")
    assert outcomes["manifest-notes"].reason == "nothing is in the splits query and gallery"
    assert outcomes["regdb"].reason == "" and outcomes["regdb"].state == "not available"
    shown = {(row[0], row[1]): row[2] for row in make_table(read_result(tmp_path / "run" / "zero_shot.json")).rows}
    assert shown["R to I, I to R", "RegDB"] == "not available"
    assert shown["R to R", "MSMT17"].startswith("failed: ")
    assert len([line for line in told if ": failed: " in line]) == 5


def test_weights_of_few_modalities(root: Path, photo_weights: str, tmp_path: Path) -> None:
    outcomes = {o.row.name: o for o in run_suite(root, tmp_path / "run", options(photo_weights))}
    assert outcomes["pku-sketch"].reason == "the weights do not read sketch"
    done = {name for name, outcome in outcomes.items() if outcome.state == "done"}
    text = {"cuhk-pedes", "icfg-pedes", "rstpreid"}
    assert done == {"market1501", "orbench", "manifest-people", "msmt17"} | text | {
        f"cuhk03-np-{boxes}" for boxes in ("detected", "labeled")
    }
    result = outcomes["orbench"].result
    assert result is not None and [task["task"] for task in result["tasks"]] == ["TEXT"]


def test_repetitions_are_averaged(root: Path, tiny_weights: str, tmp_path: Path) -> None:
    chosen = options(tiny_weights, protocols="manifest,pku-sketch-50,market1501", repetitions=3)
    outcomes = {o.row.name: o.result or {} for o in run_suite(root, tmp_path / "run", chosen)}
    assert outcomes["market1501"]["suite"]["seeds"] == outcomes["market1501"]["suite"]["deviations"] == []
    embed = CachedEmbedder(AIO.load(tiny_weights, "cpu").embed_queries)
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


def test_wrong_roots_and_names(root: Path, tiny_weights: str, tmp_path: Path) -> None:
    for place, error, words in (
        (tmp_path / "nowhere", DataError, "nowhere is no folder; give the one that holds"),
        (
            root / "market1501",
            DataError,
            "market1501 holds no folder of a data set that can be evaluated; give the folder above",
        ),
    ):
        with pytest.raises(error, match=words) as caught:
            run_suite(place, tmp_path / "run", options(tiny_weights))
        assert "\n" not in str(caught.value)
    (tmp_path / "few" / "market1501").mkdir(parents=True)
    with pytest.raises(DataError, match="few holds no folder of a data set for llcm,regdb; "):
        run_suite(tmp_path / "few", tmp_path / "run", options(tiny_weights, protocols="llcm,regdb"))
    for protocols in ("market1501,duke", "", "market1501,,llcm"):
        with pytest.raises(ConfigError, match="choose one, or several with commas: all-available, market1501, "):
            run_suite(root, tmp_path / "run", options(tiny_weights, protocols=protocols))
    with pytest.raises(ConfigError, match="--seeds is 0; give at least 1"):
        run_suite(root, tmp_path / "run", options(tiny_weights, repetitions=0))
    assert not (tmp_path / "run").exists()


def test_one_data_set_alone(root: Path, tiny_weights: str, photo_weights: str, tmp_path: Path) -> None:
    model = AIO.load(tiny_weights, "cpu")
    for name, folder in (("llcm", "LLCM"), ("tri-cuhk-pedes", "CUHK-PEDES"), ("orbench", "ORBench")):
        record = evaluate_dataset(name, root / folder, weights=tiny_weights, device="cpu", out=tmp_path / "r.json")
        assert record.scores == DIRECT[name](root, CachedEmbedder(model.embed_queries))
        assert read_result(tmp_path / "r.json")["seed"] is None
        assert to_csv(make_table(record.to_json())).startswith("query,queries,R1")
    for name, error, words in (
        ("market", ConfigError, "unknown dataset 'market'; choose one of: market1501, "),
        ("synth-pedes", ConfigError, "SYNTH-PEDES has no test, it is for training"),
        ("dukemtmc", DataError, "DukeMTMC is not read: "),
        ("llcm", DataError, "it lacks "),
    ):
        with pytest.raises(error, match=words):
            evaluate_dataset(name, root / "RegDB", weights=tiny_weights)
    with pytest.raises(DataError, match="cannot be evaluated as regdb: the weights do not read infrared"):
        evaluate_dataset("regdb", root / "RegDB", weights=photo_weights)


def test_rows_have_names_of_their_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.is_drawn == (row.name in ("manifest", "pku-sketch-50"))
