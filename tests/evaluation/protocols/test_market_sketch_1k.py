"""Market-Sketch-1K: styles, all styles, and several sketches as one query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from aio_reid.evaluation.protocols.market_sketch_1k import evaluate_market_sketch_1k, join_by_person
from aio_reid.records import Modality, Query, Record, Split

STYLES = "ABCDEF"


def sketch(person: str, style: str | None) -> Record:
    path = Path(f"sketch/{style}/{person}.jpg")
    return Record("mask1k", Split.QUERY, Modality.SKETCH, person, style, path)


def photo(person: str) -> Record:
    return Record("mask1k", Split.GALLERY, Modality.RGB, person, "c1", Path(f"photo/{person}.jpg"))


def test_equals_published_implementations_with_all_styles_and_each(
    golden: Callable,
    make_records: Callable[..., list[Record]],
    embed_distances: Callable[..., Callable],
    assert_scores: Callable[..., None],
) -> None:
    case = golden("mask1k_multistyle_like")
    styles = [STYLES[style] for style in case.arrays["q_style"]]
    sketches = make_records(Split.QUERY, Modality.SKETCH, case.arrays["q_pids"], styles)
    photos = make_records(Split.GALLERY, Modality.RGB, case.arrays["g_pids"])
    embed = embed_distances(sketches, photos, case.arrays["distmat"])
    rows = {
        (task.task, task.fusion): task.scores for task in evaluate_market_sketch_1k([*sketches, *photos], embed).tasks
    }
    assert_scores(rows["sketch to photo, all styles", "single"], case.expected)
    single = {"A": (0.2579612503588906, 0.30000001192092896), "F": (0.3179118458816804, 0.4444444477558136)}
    for style, (mean_precision, rank1) in single.items():  # the official code on one style
        expected = {"mAP": mean_precision, "cmc@1": rank1}
        assert_scores(rows[f"sketch to photo, style {style}", "single"], expected)
    assert rows["all sketches of a person to photo", "early"].num_queries == 40


def test_all_sketches_of_a_person_are_one_query() -> None:
    queries = join_by_person([sketch("2", "B"), sketch("1", "C"), sketch("2", "A")])
    assert [[(part.person_id, part.camera_id) for part in query] for query in queries] == [
        [("2", "A"), ("2", "B")],
        [("1", "C")],
    ]


def test_rows_and_what_is_left_out() -> None:
    asked: list[tuple[int, str]] = []

    def embed(queries: Sequence[Query], fusion: str) -> np.ndarray:
        asked.append((max(map(len, queries)), fusion))
        return np.eye(3, dtype=np.float32)[[int(query[0].person_id) for query in queries]]

    records = [sketch("1", "A"), sketch("1", "C"), sketch("2", "A"), photo("1"), photo("2"), photo("0")]
    result = evaluate_market_sketch_1k(records, embed)
    assert [(task.task, task.fusion, task.scores.num_queries, task.scores.mAP) for task in result.tasks] == [
        ("sketch to photo, style A", "single", 2, 1.0),
        ("sketch to photo, style C", "single", 1, 1.0),
        ("sketch to photo, all styles", "single", 3, 1.0),
        ("all sketches of a person to photo", "early", 2, 1.0),
        ("all sketches of a person to photo", "late", 2, 1.0),
    ]
    assert asked[-2:] == [(2, "early"), (2, "late")]
    plain = evaluate_market_sketch_1k([replace(records[0], camera_id=None), *records[1:]], embed, fusions=("late",))
    assert [task.task for task in plain.tasks] == ["sketch to photo, all styles", "all sketches of a person to photo"]
    assert plain.left_out == {"sketch to photo, by style": "1 of 3 sketches have no style"}
