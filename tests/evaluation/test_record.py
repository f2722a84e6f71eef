"""Records of evaluations: valid JSON without machine paths, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import StorageError
from aio_reid.evaluation.ranking import score_ranking
from aio_reid.evaluation.record import EvaluationRecord, count_records, describe_command, write_json
from aio_reid.evaluation.scores import ProtocolScores, TaskScores
from aio_reid.records import Modality, Record, Split

DISTANCES = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
MATCHES = np.array([[0, 1, 1], [0, 0, 0]], dtype=bool)


def record() -> EvaluationRecord:
    scores = score_ranking(DISTANCES, MATCHES, np.zeros((2, 3), bool))
    return EvaluationRecord(
        scores=ProtocolScores("p", "1", (TaskScores("S", "single", scores),), {"T": "no sentences"}),
        dataset="set",
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
