"""RegDB: both directions, trials with models of their own, and published implementations on golden cases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.protocols.regdb import evaluate_regdb
from aio_reid.records import Modality, Record, Split

Maker = Callable[..., list[Record]]


@pytest.mark.parametrize(("name", "row"), [("regdb_v2t", 0), ("regdb_t2v", 1), ("crossmodal_some_without_match", 0)])
def test_equals_published_implementations(
    name: str,
    row: int,
    golden: Callable,
    make_records: Maker,
    embed_distances: Callable[..., Callable],
    assert_scores: Callable[..., None],
) -> None:
    case = golden(name)
    asked, searched = (Modality.RGB, Modality.INFRARED) if row == 0 else (Modality.INFRARED, Modality.RGB)
    queries = make_records(Split.QUERY, asked, case.arrays["q_pids"])
    gallery = make_records(Split.GALLERY, searched, case.arrays["g_pids"])
    embed = embed_distances(queries, gallery, case.arrays["distmat"])
    result = evaluate_regdb([[*queries, *gallery]], embed)
    assert [task.task for task in result.tasks] == ["visible to thermal", "thermal to visible"]
    assert_scores(result.tasks[row].scores, case.expected)


def trial(make_records: Maker, persons: list[str]) -> list[Record]:
    return [
        *make_records(Split.QUERY, Modality.RGB, persons),
        *make_records(Split.GALLERY, Modality.INFRARED, persons),
        *make_records(Split.TRAIN, Modality.RGB, ["9"]),
    ]


def test_trials_are_averaged_each_with_its_own_model(make_records: Maker) -> None:
    trials = [trial(make_records, ["1", "2"]), trial(make_records, ["1", "2"])]

    def right(queries: list, fusion: str) -> np.ndarray:
        return np.eye(2, dtype=np.float32)[[int(query[0].person_id) - 1 for query in queries]]

    def wrong(queries: list, fusion: str) -> np.ndarray:
        thermal = [query[0].modality is Modality.INFRARED for query in queries]
        return np.where(np.array(thermal)[:, None], right(queries, fusion)[:, ::-1], right(queries, fusion))

    row = evaluate_regdb(trials, [right, wrong]).tasks[0]
    assert [one.rank[1] for one in row.trials] == [1.0, 0.0]
    assert (row.scores.rank[1], row.scores.rank[5], row.scores.mAP, row.scores.num_queries) == (0.5, 1.0, 0.75, 4)
    assert evaluate_regdb(trials, right).tasks[0].scores.mAP == 1.0
    with pytest.raises(DataError, match="1 embedders for 2 trials"):
        evaluate_regdb(trials, [right])
    with pytest.raises(DataError, match="0 embedders for 0 trials"):
        evaluate_regdb([], right)
    with pytest.raises(DataError, match="no infrared records in the split 'query' or 'gallery'"):
        evaluate_regdb([make_records(Split.QUERY, Modality.RGB, ["1"])], right)
