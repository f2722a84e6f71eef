"""Sentences and photos search each other: published implementations on golden cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.protocols.text_to_image import evaluate_text_to_image
from aio_reid.records import Modality, Query, Record, Split

Maker = Callable[..., list[Record]]


def test_equals_published_implementations_in_both_directions(
    golden: Callable, make_records: Maker, assert_scores: Callable[..., None]
) -> None:
    case, reverse = golden("text2image"), golden("image2text")
    texts = make_records(Split.QUERY, Modality.TEXT, case.arrays["q_pids"])
    photos = make_records(Split.GALLERY, Modality.RGB, case.arrays["g_pids"])
    vectors = dict(zip([*texts, *photos], [*case.arrays["q_feat"], *case.arrays["g_feat"]], strict=True))

    def embed(queries: Sequence[Query], fusion: str) -> np.ndarray:
        found = np.stack([vectors[query[0]] for query in queries])
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    to_photo, to_text = evaluate_text_to_image([*texts, *photos], embed).tasks
    assert (to_photo.task, to_text.task) == ("text to photo", "photo to text")
    assert_scores(to_photo.scores, case.expected)
    assert_scores(to_text.scores, reverse.expected)
    assert (to_photo.scores.num_gallery, to_text.scores.num_gallery) == (142, 284)


def test_a_sentence_without_a_photo_is_counted_and_not_scored(
    golden: Callable,
    make_records: Maker,
    embed_distances: Callable[..., Callable],
    assert_scores: Callable[..., None],
) -> None:
    case = golden("text2image_query_without_match")
    texts = make_records(Split.QUERY, Modality.TEXT, case.arrays["q_pids"])
    photos = make_records(Split.GALLERY, Modality.RGB, case.arrays["g_pids"])
    embed = embed_distances(texts, photos, -case.arrays["similarity"])
    scores = evaluate_text_to_image([*texts, *photos], embed).tasks[0].scores
    assert_scores(scores, case.expected["drop_invalid"])
    assert (scores.num_scored, scores.num_without_match) == (39, 1)


def test_sentences_of_other_splits_do_not_count(make_records: Maker) -> None:
    records = [
        *make_records(Split.VAL, Modality.TEXT, ["1"]),
        *make_records(Split.GALLERY, Modality.RGB, ["1"]),
    ]
    with pytest.raises(DataError, match="no text records in the split 'query' or 'gallery'"):
        evaluate_text_to_image(records, lambda asked, fusion: np.ones((len(asked), 1), np.float32))
