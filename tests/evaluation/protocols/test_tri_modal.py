"""Tri sets: the source rule by hand, the pairs, and the published implementation on a golden case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.protocols.tri_modal import evaluate_tri_modal, find_sources, source_mask
from aio_reid.records import Modality, Query, Record, Split


def photo(person: str, name: str) -> Record:
    return Record("tri", Split.GALLERY, Modality.RGB, person, image_path=Path("root/imgs") / name)


def sketch(person: str, source: str | None) -> Record:
    path = Path("root/imgs-sketch") / (source or "none.jpg")
    return Record("tri", Split.QUERY, Modality.SKETCH, person, image_path=path, source_image_id=source)


def text(person: str, source: str | None, words: str = "a person") -> Record:
    return Record("tri", Split.QUERY, Modality.TEXT, person, caption=words, source_image_id=source)


PHOTOS = [
    photo("1", "a/1.jpg"),
    photo("1", "a/2.jpg"),
    photo("2", "b/1.jpg"),
    photo("3", "b/3.jpg"),
    photo("3", "4.jpg"),
]


def embed_person(queries: Sequence[Query], fusion: str) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[[int(query[0].person_id) for query in queries]]


def test_source_rule_by_hand() -> None:
    made = [text("1", "a/2.jpg"), sketch("2", "b/1.jpg"), text("3", "4.jpg")]
    sources = find_sources(made, PHOTOS)
    assert sources.tolist() == [1, 2, 4]
    expected = [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
    assert source_mask(sources, 5).astype(int).tolist() == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1.jpg", "made from '1.jpg', which fits 2 of 5 photos"),
        ("imgs-sketch/a/1.jpg", "fits 0 of 5 photos, not 1; give the path below"),
        ("/1.jpg", "fits 0 of 5"),
        (None, "made from None, which fits 0 of 5"),
    ],
)
def test_a_source_is_exactly_one_photo(source: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_sources([text("1", source)], PHOTOS)


def test_rows_pairs_and_counts() -> None:
    texts = [text("1", "a/1.jpg", "one"), text("1", "a/1.jpg", "two"), text("2", "b/1.jpg"), text("3", "4.jpg")]
    sketches = [sketch("2", "b/1.jpg"), sketch("1", "a/1.jpg")]
    asked: list[list[Query]] = []

    def embed(queries: Sequence[Query], fusion: str) -> np.ndarray:
        asked.append(list(queries))
        return embed_person(queries, fusion)

    result = evaluate_tri_modal([*texts, *PHOTOS, *sketches], embed)
    counts = {(t.task, t.fusion): (t.scores.num_queries, t.scores.num_without_match) for t in result.tasks}
    assert counts == {
        ("text to photo, full gallery", "single"): (4, 0),
        ("text to photo", "single"): (4, 1),  # person 2 has a single photo
        ("sketch to photo", "single"): (2, 1),
        ("sketch + text to photo", "early"): (3, 1),
        ("sketch + text to photo", "late"): (3, 1),
    }
    assert asked[-1] == [(sketches[1], texts[0]), (sketches[1], texts[1]), (sketches[0], texts[2])]
    assert all(task.scores.mAP == 1.0 for task in result.tasks)
    with pytest.raises(DataError, match="3 sketches were made from 2 photos"):
        evaluate_tri_modal([*texts, *PHOTOS, *sketches, sketch("1", "a/1.jpg")], embed)


def test_equals_the_published_implementation(golden: Callable, assert_scores: Callable[..., None]) -> None:
    case = golden("unireid_tri_modal")
    names = [f"{index // 10}/{index:04d}.jpg" for index in range(len(case.arrays["g_pids"]))]
    photos = [photo(str(person), name) for person, name in zip(case.arrays["g_pids"], names, strict=True)]
    labelled = {
        kind: list(zip(case.arrays[f"{kind}_pids"], case.arrays[f"{kind}_image_index"], strict=True))
        for kind in ("text", "sketch")
    }
    texts = [text(str(person), names[index], f"sentence {i}") for i, (person, index) in enumerate(labelled["text"])]
    sketches = [sketch(str(person), names[index]) for person, index in labelled["sketch"]]
    rows = [*case.arrays["g_feat"], *case.arrays["text_feat"], *case.arrays["sketch_feat"]]
    features = dict(zip([*photos, *texts, *sketches], rows, strict=True))

    def embed(queries: Sequence[Query], fusion: str) -> np.ndarray:
        summed = np.stack([np.sum([features[record] for record in query], axis=0) for query in queries])
        return summed / np.linalg.norm(summed, axis=1, keepdims=True)

    result = evaluate_tri_modal([*photos, *texts, *sketches], embed, fusions=("early",))
    keys = ("text_original_gallery", "text", "sketch", "text+sketch")
    for task, key in zip(result.tasks, keys, strict=True):
        assert_scores(task.scores, case.expected[key], case.tolerance)
