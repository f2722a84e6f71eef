"""Photo to photo across cameras: the junk rule by hand, and published implementations on golden cases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.labels import Labels
from aio_reid.evaluation.protocols.cross_camera import evaluate_cross_camera, junk_mask
from aio_reid.evaluation.scores import RetrievalScores
from aio_reid.records import Modality, Record, Split


def labels(persons: list[int], cameras: list[int]) -> Labels:
    return Labels(np.array(persons), np.array(cameras))


def test_junk_by_hand() -> None:
    query = labels([7, 7, 8], [1, 2, -1])
    gallery = labels([7, 7, 8, 8, 9], [1, 2, 1, -1, 1])
    expected = [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]  # two unknown cameras are not the same camera
    assert junk_mask(query, gallery).astype(int).tolist() == expected


def test_junk_holds_no_rank_and_distractors_hold_theirs(
    make_records: Callable[..., list[Record]], embed_distances: Callable[..., Callable]
) -> None:
    queries = make_records(Split.QUERY, Modality.RGB, ["7"], ["c1"])
    gallery = make_records(Split.GALLERY, Modality.RGB, ["7", "0", "7", "8", "7"], ["c1", "c1", "c2", "c2", "c3"])
    embed = embed_distances(queries, gallery, np.array([[1.0, 2, 3, 4, 5]]))
    result = evaluate_cross_camera([*gallery, *queries], embed)
    (row,) = result.tasks
    assert (row.task, row.scores.first_match.tolist()) == ("photo to photo", [2])  # 0 before 7, whose own camera is out
    assert row.scores.mAP == pytest.approx((1 / 2 + 2 / 4) / 2)


@pytest.mark.parametrize(
    "name",
    ["market_mid", "market_short_gallery", "market_small_degenerate", "market_junk_minus1", "cuhk03_np_market_metric"],
)
def test_equals_published_implementations(
    name: str, golden: Callable, score_golden: Callable[[str], RetrievalScores], assert_scores: Callable[..., None]
) -> None:
    assert_scores(score_golden(name), golden(name).expected)


def test_ties_keep_the_order_of_the_gallery(
    golden: Callable, score_golden: Callable[[str], RetrievalScores], assert_scores: Callable[..., None]
) -> None:
    assert_scores(score_golden("market_ties_sensitive"), golden("market_ties_sensitive").expected["stable_sort"])


def test_no_valid_query_is_an_error(score_golden: Callable[[str], RetrievalScores]) -> None:
    with pytest.raises(DataError, match="none of the 3 queries has a true match"):
        score_golden("market_no_valid_query")


def test_what_is_missing_is_told(make_records: Callable[..., list[Record]]) -> None:
    queries = make_records(Split.QUERY, Modality.RGB, ["7"], ["c1"])
    gallery = make_records(Split.GALLERY, Modality.RGB, ["7", "8"])
    with pytest.raises(DataError, match="no photo records in the split 'gallery'"):
        evaluate_cross_camera(queries, lambda asked, fusion: np.ones((len(asked), 1), np.float32))
    with pytest.raises(DataError, match="2 of 3 records have no camera, by which cross-camera ignores"):
        evaluate_cross_camera([*queries, *gallery], lambda asked, fusion: np.ones((len(asked), 1), np.float32))


@pytest.fixture
def score_golden(
    golden: Callable, make_records: Callable[..., list[Record]], embed_distances: Callable[..., Callable]
) -> Callable[[str], RetrievalScores]:
    def score(name: str) -> RetrievalScores:
        arrays = golden(name).arrays
        kept = arrays["g_pids"] != -1  # parsers leave junk persons out
        queries = make_records(Split.QUERY, Modality.RGB, arrays["q_pids"], arrays["q_camids"])
        gallery = make_records(Split.GALLERY, Modality.RGB, arrays["g_pids"][kept], arrays["g_camids"][kept])
        embed = embed_distances(queries, gallery, arrays["distmat"][:, kept])
        return evaluate_cross_camera([*queries, *gallery], embed).tasks[0].scores

    return score
