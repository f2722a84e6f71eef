"""The whole evaluation on broken copies, with weights that read little, under wrong names; and one row alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import suite_trees
from suite_direct import DIRECT, options, write_tiny

from aio_reid.api import AIO
from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.embed import CachedEmbedder
from aio_reid.evaluation.report import make_table, read_result, to_csv
from aio_reid.evaluation.rows import ROWS
from aio_reid.evaluation.suite import NOTHING, evaluate_dataset, run_suite


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
        ("rstpreid", "1 of the pictures that RSTPReid/data_captions.json names are missing"),
        ("msmt17", "no photo records in the split 'query'"),
    ):
        assert words in failed[name]
        assert "\n" not in failed[name] and str(tmp_path) not in failed[name]
    assert {name for name, o in outcomes.items() if o.state == "done"} == {"sysu-mm01", "cuhk03-np-detected"}
    assert outcomes["sysu-mm01-official"].reason.startswith("the copy holds no exp/rand_perm_cam.mat or ")
    assert outcomes["manifest-notes"].reason == NOTHING
    assert outcomes["regdb"].reason == "" and outcomes["regdb"].state == "not available"
    shown = {(row[0], row[1]): row[2] for row in make_table(read_result(tmp_path / "run" / "zero_shot.json")).rows}
    assert shown["R to I, I to R", "RegDB"] == "not available"
    notes = make_table(read_result(tmp_path / "run" / "zero_shot.json")).notes
    assert any(note.startswith("Not on disk") and "RegDB (RegDB), " in note for note in notes)
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


def test_weights_that_read_photos_only(root: Path, tmp_path: Path) -> None:
    weights = write_tiny(tmp_path / "one.safetensors", ("rgb",))
    chosen = options(weights, protocols="orbench,manifest,market1501")
    outcomes = {o.row.name: o for o in run_suite(root, tmp_path / "run", chosen)}
    assert {name: o.state for name, o in outcomes.items()} == {
        "market1501": "done",
        "orbench": "not available",
        "manifest-people": "done",
    }
    with pytest.raises(DataError, match="cannot be evaluated as orbench: nothing in the splits query and gallery is"):
        evaluate_dataset("orbench", root / "ORBench", weights=weights)


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
    for protocols in ("market1501,dike", "", "market1501,,llcm"):
        with pytest.raises(ConfigError, match="choose one, or several with commas: all-available, market1501, "):
            run_suite(root, tmp_path / "run", options(tiny_weights, protocols=protocols))
    with pytest.raises(DataError, match="Duke is not read: it recorded students"):
        run_suite(root, tmp_path / "run", options(tiny_weights, protocols="market1501,duke"))
    with pytest.raises(ConfigError, match="--seeds is 0; give at least 1"):
        run_suite(root, tmp_path / "run", options(tiny_weights, repetitions=0))
    assert not (tmp_path / "run").exists()


def test_one_data_set_alone(root: Path, tiny_weights: str, photo_weights: str, tmp_path: Path) -> None:
    model = AIO.load(tiny_weights, "cpu")
    for name, folder in (("llcm", "LLCM"), ("tri-cuhk-pedes", "CUHK-PEDES"), ("orbench", "ORBench")):
        record = evaluate_dataset(name, root / folder, weights=tiny_weights, device="cpu", out=tmp_path / "r.json")
        assert record.scores == DIRECT[name](root, CachedEmbedder(model.embed_queries, reliability=model.reliability))
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
