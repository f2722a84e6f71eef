"""Records of evaluations: valid JSON without machine paths, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import StorageError
from aio_reid.evaluation.ranking import score_ranking
from aio_reid.evaluation.record import (
    EvaluationRecord,
    count_records,
    describe_command,
    split_hash,
    write_json,
)
from aio_reid.evaluation.scores import ProtocolScores, TaskAverage, TaskScores
from aio_reid.evaluation.trials import average, average_trials
from aio_reid.records import Modality, Record, Split

DISTANCES = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
MATCHES = np.array([[0, 1, 1], [0, 0, 0]], dtype=bool)


def record() -> EvaluationRecord:
    scores = score_ranking(DISTANCES, MATCHES, np.zeros((2, 3), bool))
    return EvaluationRecord(
        scores=ProtocolScores("p", "1", (TaskScores("S", "single", scores),), {"T": "no sentences"}),
        dataset="set",
        split_hash="cd" * 32,
        counts={"persons": 1},
        weights="nano",
        weights_hash="ab" * 32,
        model={"image_size": [128, 64]},
        seed=None,
        command="aio-reid evaluate m.csv",
        seconds=1.234,
        provenance={"commit": None},
    )


def test_json_round_trip_keeps_the_values_of_every_query(tmp_path: Path) -> None:
    path = tmp_path / "results" / "r.json"
    write_json(path, record().to_json())
    read = json.loads(path.read_text())
    assert read == record().to_json()
    task = read["tasks"][0]
    assert task["per_query"] == {
        "first_match": [2, None],
        "average_precision": [round((1 / 2 + 2 / 3) / 2, 6), None],
        "inverse_penalty": [round(2 / 3, 6), None],
    }
    assert (task["num_queries"], task["num_scored"], task["num_without_match"]) == (2, 1, 1)
    assert "\n" not in path.read_text().split('"first_match": ')[1].split("]")[0]
    assert [p.name for p in path.parent.iterdir()] == ["r.json"]


def test_trials_and_averages_are_written() -> None:
    scores = score_ranking(DISTANCES, MATCHES, np.zeros((2, 3), bool))
    tasks = (average_trials("S", "single", [scores, scores]),)
    averages = (TaskAverage("all", "early", average([scores, scores])),)
    made = replace(record(), scores=ProtocolScores("p", "1", tasks, {}, averages, gallery="entries")).to_json()
    read = json.loads(json.dumps(made))
    assert read["protocol"] == {"name": "p", "version": "1", "gallery": "entries"}
    (task,) = read["tasks"]
    assert [len(trial["per_query"]["first_match"]) for trial in task["trials"]] == [2, 2]
    assert "per_query" not in task
    assert (task["num_queries"], task["num_gallery"], task["mAP"]) == (4, 3, scores.mAP)
    rank = {str(k): value for k, value in scores.rank.items()}
    means = {"rank": rank, "mAP": scores.mAP, "mINP": scores.mINP}
    assert read["averages"] == [{"name": "all", "fusion": "early", **means, "num_averaged": 2}]


@pytest.mark.parametrize("value", [{}, {"a": []}, {"a": {}}, {"a": [{"b": None}, 1, "x\n"], "c": {"d": [1, 2.5]}}])
def test_any_plain_data_is_written_as_json(tmp_path: Path, value: dict[str, object]) -> None:
    write_json(tmp_path / "r.json", value)
    assert json.loads((tmp_path / "r.json").read_text()) == value


def test_a_failed_write_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write the result"):
        write_json(tmp_path / "file" / "r.json", {})


def test_commands_name_no_place_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    command = [
        "/opt/env/bin/aio-reid",
        "evaluate",
        str(tmp_path / "data set"),
        f"--out={tmp_path}/here/r.json",
        "/far/away/m.csv",
    ]
    assert describe_command(command) == "aio-reid evaluate '../data set' --out=r.json m.csv"
    assert describe_command(["/opt/aio_reid/__main__.py", "evaluate", "m.csv"]) == "aio-reid evaluate m.csv"


def test_counts() -> None:
    photo = Record("set", Split.GALLERY, Modality.RGB, "1", image_path=Path("a.png"))
    text = Record("set", Split.QUERY, Modality.TEXT, "1", caption="a man")
    assert count_records([photo, text, text]) == {"persons": 1, "gallery/rgb": 1, "query/text": 2}


PHOTO = Record("set", Split.GALLERY, Modality.RGB, "1", "c1", Path("/here/set/photo/a.png"))
SKETCH = Record("set", Split.QUERY, Modality.SKETCH, "1", None, Path("/here/set/sketch/a.png"))
TEXT = Record("set", Split.QUERY, Modality.TEXT, "1", caption="a man", source_image_id="a.png")


def test_the_hash_of_a_split_by_hand() -> None:
    ids = (
        '["gallery", "rgb", "1", "c1", null, "photo/a.png"]\n'
        '["query", "sketch", "1", null, null, "sketch/a.png"]\n'
        '["query", "text", "1", null, "a.png", "a man"]\n\n'
    )
    assert split_hash([TEXT, PHOTO, SKETCH]) == hashlib.sha256(ids.encode()).hexdigest()


def test_the_hash_of_a_split_depends_on_who_is_asked_and_on_nothing_else() -> None:
    split = [PHOTO, SKETCH, TEXT]
    moved = [replace(r, image_path=Path("data") / r.image_path.relative_to("/here/set")) for r in split if r.image_path]
    trained = replace(TEXT, split=Split.TRAIN, caption="a woman")
    same = [split_hash(split), split_hash([TEXT, SKETCH, PHOTO]), split_hash([*moved, TEXT, trained])]
    assert len(set(same)) == 1
    changes = [
        {"person_id": "2"},
        {"camera_id": "c2"},
        {"split": Split.QUERY},
        {"image_path": Path("/here/set/photo/b")},
    ]
    others = [split_hash([replace(PHOTO, **change), SKETCH, TEXT]) for change in changes]  # type: ignore[arg-type]
    others += [split_hash(split, split), split_hash([PHOTO, SKETCH]), split_hash([]), split_hash([TEXT])]
    assert len({*same, *others}) == 1 + len(others)
