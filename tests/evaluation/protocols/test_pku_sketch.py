"""PKU-Sketch, all persons: the camera rule by hand and the counts of every task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.protocols.pku_sketch import evaluate_all_persons, same_camera_mask
from aio_reid.records import Modality, Query, Record, Split


def photo(person: str, camera: str) -> Record:
    return Record("pku", Split.GALLERY, Modality.RGB, person, camera, Path(f"photo/{person}_{camera}_1.jpg"))


def sketch(person: str) -> Record:
    return Record("pku", Split.QUERY, Modality.SKETCH, person, image_path=Path(f"sketch/{person}.jpg"))


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
