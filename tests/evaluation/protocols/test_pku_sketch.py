"""PKU-Sketch: the camera rule by hand, the counts of every task, and splits of 50 persons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.protocols.pku_sketch import (
    STYLE_SHARES,
    draw_test_persons,
    evaluate_all_persons,
    evaluate_fifty_persons,
    same_camera_mask,
)
from aio_reid.records import Modality, Query, Record, Split


def photo(person: str, camera: str) -> Record:
    return Record("pku", Split.GALLERY, Modality.RGB, person, camera, Path(f"photo/{person}_{camera}_1.jpg"))


def sketch(person: str, style: str | None = None) -> Record:
    return Record("pku", Split.QUERY, Modality.SKETCH, person, style, Path(f"sketch/{person}.jpg"))


def text(person: str) -> Record:
    return Record("pku", Split.QUERY, Modality.TEXT, person, caption=f"person {person}")


PHOTOS = [photo("1", "03"), photo("1", "05"), photo("2", "03"), photo("2", "05"), photo("3", "04")]


def test_camera_rule_by_hand() -> None:
    queries: list[Query] = [(PHOTOS[0],), (PHOTOS[4],), (sketch("1"), text("1"))]
    expected = np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]], dtype=bool)
    np.testing.assert_array_equal(same_camera_mask(queries, PHOTOS), expected)


def embed_by_camera(queries: Sequence[Query], fusion: str) -> np.ndarray:
    """A model that sees the camera and nothing else of a photo, and the person in everything else."""
    axes = [int(q[0].camera_id or 0) if q[0].camera_id else 5 + int(q[0].person_id) for q in queries]
    return np.eye(9, dtype=np.float32)[axes]


def test_counts_of_every_task() -> None:
    records = [*PHOTOS, sketch("1"), sketch("2"), text("2")]
    result = evaluate_all_persons(records, embed_by_camera)
    counts = {(t.task, t.fusion): (t.scores.num_queries, t.scores.num_scored) for t in result.tasks}
    assert counts == {
        ("photo to photo", "single"): (5, 4),  # person 3 was seen by one camera only
        ("sketch to photo", "single"): (2, 2),
        ("sketch to photo, described persons", "single"): (1, 1),
        ("text to photo", "single"): (1, 1),
        ("sketch + text to photo", "early"): (1, 1),
        ("sketch + text to photo", "late"): (1, 1),
    }
    assert result.left_out == {}
    # All distances left are equal: a query of camera 03 meets 05 of 1, 05 of 2, 04 of 3; one of 05 meets 03, 03, 04.
    assert result.tasks[0].scores.rank[1] == 0.5


def test_a_copy_without_sentences_or_photos() -> None:
    result = evaluate_all_persons([*PHOTOS, sketch("1")], embed_by_camera)
    assert set(result.left_out) == {"sketch to photo, described persons", "text to photo", "sketch + text to photo"}
    with pytest.raises(DataError, match="no photo"):
        evaluate_all_persons([sketch("1")], embed_by_camera)


def a_copy(persons_of_style: dict[str, int]) -> list[Record]:
    styles = [style for style, count in persons_of_style.items() for _ in range(count)]
    persons = range(1, len(styles) + 1)
    return [
        *(photo(str(person), camera) for person in persons for camera in ("03", "05")),
        *(sketch(str(person), style) for person, style in zip(persons, styles, strict=True)),
    ]


WHOLE = {"a": 46, "b": 20, "c": 79, "d": 33, "e": 22}


def embed_each(queries: Sequence[Query], fusion: str) -> np.ndarray:
    return np.eye(201, dtype=np.float32)[[int(query[0].person_id) for query in queries]]


def test_fifty_persons_are_drawn_by_style_ten_times() -> None:
    records = a_copy(WHOLE)
    style_of = {record.person_id: record.camera_id for record in records if record.modality is Modality.SKETCH}
    splits = draw_test_persons(records, seed=3)
    for persons in splits:
        drawn = [style_of[person] for person in persons]
        assert {style: drawn.count(style) for style in STYLE_SHARES} == {"a": 11, "b": 5, "c": 20, "d": 8, "e": 6}
    assert len(set(splits)) == 10
    assert splits == draw_test_persons(list(reversed(records)), seed=3)
    assert splits != draw_test_persons(records, seed=4)


def test_fifty_persons_are_ranked_in_every_split() -> None:
    result = evaluate_fifty_persons(a_copy(WHOLE), embed_each)
    (row,) = result.tasks
    assert (result.protocol, row.task, len(row.trials)) == ("pku-sketch/50-persons", "sketch to photo", 10)
    assert {(t.num_queries, t.num_gallery, t.mAP) for t in row.trials} == {(50, 100, 1.0)}


def test_fifty_persons_equal_published_implementations(
    golden: Callable, embed_distances: Callable[..., Callable], assert_scores: Callable[..., None]
) -> None:
    """A copy of 50 persons in the shares of the split: every split is the whole copy."""
    case = golden("pku_sketch_like")
    styles = [style for style, share in STYLE_SHARES.items() for _ in range(share)]
    sketches = [sketch(str(p), style) for p, style in zip(case.arrays["q_pids"], styles, strict=True)]
    photos = [photo(str(person), f"{i}") for i, person in enumerate(case.arrays["g_pids"])]
    embed = embed_distances(sketches, photos, case.arrays["distmat"])
    row = evaluate_fifty_persons([*photos, *sketches], embed).tasks[0]
    assert_scores(row.scores, case.expected)
    assert_scores(row.trials[9], case.expected)


def test_a_partial_copy_is_split_as_long_as_every_style_has_enough_persons() -> None:
    part = WHOLE | {"e": 6}
    assert evaluate_fifty_persons(a_copy(part), embed_each).tasks[0].trials[0].num_queries == 50
    part = WHOLE | {"b": 4, "e": 5}
    result = evaluate_fifty_persons(a_copy(part), embed_each)
    reason = "this copy has only 4 of 5 persons in style b, 5 of 6 persons in style e"
    assert (result.tasks, result.left_out) == ((), {"sketch to photo": reason})
    with pytest.raises(DataError, match="cannot be split: this copy has only 4 of 5"):
        draw_test_persons(a_copy(part))


def test_without_styles_there_are_no_splits() -> None:
    records = [replace(r, camera_id=None) if r.modality is Modality.SKETCH else r for r in a_copy(WHOLE)]
    result = evaluate_fifty_persons(records, embed_each)
    assert result.left_out == {"sketch to photo": "200 of 200 sketches have no style among a, b, c, d, e"}
    with pytest.raises(DataError, match="no photo"):
        evaluate_fifty_persons([sketch("1", "a")], embed_each)
