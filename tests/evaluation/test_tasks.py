"""The parts of protocols: what is selected, what is embedded how often, what is ignored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.tasks import embed_groups, rank_embedded, rank_tasks, require_cameras, select_test, singles
from aio_reid.records import Modality, Query, Record, Split


def photo(person: str, split: Split = Split.GALLERY, camera: str | None = None) -> Record:
    return Record("set", split, Modality.RGB, person, camera, Path(f"{split.value}{person}.jpg"))


def text(person: str) -> Record:
    return Record("set", Split.QUERY, Modality.TEXT, person, caption=f"person {person}")


def embed(queries: Sequence[Query], fusion: str) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[[int(query[0].person_id) for query in queries]]


def test_test_records_are_those_of_query_and_gallery() -> None:
    records = [photo("1", Split.TRAIN), photo("2"), text("2"), photo("3", Split.QUERY), photo("1", Split.VAL)]
    assert select_test(records, Modality.RGB) == [records[1], records[3]]
    assert select_test(records, Modality.RGB, (Split.QUERY,)) == [records[3]]
    with pytest.raises(
        DataError, match="among 5 records there are no sketch records in the split 'query' or 'gallery'"
    ):
        select_test(records, Modality.SKETCH)
    with pytest.raises(DataError, match="1 of 2 records have no camera, by which market"):
        require_cameras([photo("1", camera="c1"), photo("2")], "market")


def test_ranked_whole_or_without_what_is_ignored() -> None:
    query, gallery = embed_groups(embed, [text("1"), text("2")], [photo("1"), photo("2"), photo("2", Split.QUERY)])
    assert rank_embedded("T", query, gallery).mAP == 1.0
    ignore = np.array([[1, 0, 0], [0, 1, 0]], dtype=bool)
    scores = rank_embedded("T", query, gallery, lambda rows: ignore[rows])
    assert (scores.num_without_match, scores.mINP, scores.num_gallery) == (1, 1.0, 3)
    part = gallery[np.array([2, 1])]
    assert (len(part), part.labels.persons.tolist()) == (2, gallery.labels.persons[[2, 1]].tolist())


def test_per_identity_counts_persons() -> None:
    def same(queries: Sequence[Query], fusion: str) -> np.ndarray:
        return np.ones((len(queries), 1), np.float32)  # all equally far: the gallery's order decides

    query, gallery = embed_groups(same, [text("1")], [photo("2"), photo("2"), photo("2"), photo("1")])
    assert rank_embedded("T", query, gallery).first_match.tolist() == [4]
    assert rank_embedded("T", query, gallery, per_identity=True).first_match.tolist() == [2]


def test_tasks_share_one_gallery_and_are_fused_only_where_there_is_something_to_fuse() -> None:
    asked: list[tuple[int, str]] = []

    def counting(queries: Sequence[Query], fusion: str) -> np.ndarray:
        asked.append((len(queries), fusion))
        return embed(queries, fusion)

    tasks: dict[str, list[Query]] = {
        "T": singles([text("1"), text("2")]),
        "nothing": [],
        "RT": [(photo("1", Split.QUERY), text("1"))],
    }
    gallery = [photo("1"), photo("2"), photo("3")]
    ignore = {"T": lambda rows: np.array([[0, 1, 1], [0, 0, 0]], dtype=bool)[rows]}
    rows = rank_tasks(tasks, gallery, counting, fusions=("early", "late"), ignore=ignore)
    assert [(row.task, row.fusion) for row in rows] == [("T", "single"), ("RT", "early"), ("RT", "late")]
    assert asked == [(3, "early"), (2, "early"), (1, "early"), (1, "late")]
    with pytest.raises(DataError, match="none of the 1 queries has a true match"):
        rank_tasks(
            {"R": singles([photo("9")])},
            gallery,
            lambda queries, fusion: np.ones((len(queries), 1), np.float32),
            fusions=(),
        )
