"""CUHK03, old protocol: the masks by hand, draws that are fair and repeatable, and published implementations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aio_reid.errors import ConfigError
from aio_reid.evaluation.labels import Labels
from aio_reid.evaluation.protocols.cuhk03_single_shot import evaluate_cuhk03_single_shot, junk_mask, not_drawn_mask
from aio_reid.evaluation.scores import ProtocolScores
from aio_reid.records import Modality, Record, Split

GALLERY = Labels(np.array([7, 8, 7, 7, 8]), np.array([1, 1, 2, 2, 2]))


def test_masks_by_hand() -> None:
    query = Labels(np.array([7, 8, 9]), np.array([1, 1, 1]))
    junk = junk_mask(query, GALLERY)
    assert junk.astype(int).tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]
    ignored = not_drawn_mask(junk, GALLERY, [(0, i) for i in range(3)])
    assert (ignored & junk).tolist() == junk.tolist()
    left = [GALLERY.persons[~row].tolist() for row in ignored]
    assert [sorted(persons) for persons in left] == [[7, 8], [7, 8], [7, 8]]
    assert np.array_equal(ignored[1], not_drawn_mask(junk[1:2], GALLERY, [(0, 1)])[0])  # whoever else is asked
    only = np.array([[1, 0, 1, 1, 0]], dtype=bool)  # all photos of 7 are junk: 7 is in no gallery
    assert GALLERY.persons[~not_drawn_mask(only, GALLERY, [(0,)])[0]].tolist() == [8]


def test_each_photo_that_is_no_junk_is_drawn_as_often_as_the_others() -> None:
    junk = np.zeros((3000, 5), dtype=bool)
    junk[:, 0] = True
    share = (~not_drawn_mask(junk, GALLERY, [(5, i) for i in range(3000)])).mean(axis=0)
    np.testing.assert_allclose(share, [0, 1 / 2, 1 / 2, 1 / 2, 1 / 2], atol=0.04)


def test_equals_published_implementations_where_the_draw_has_one_outcome(
    golden: Callable, evaluate: Callable[..., ProtocolScores], assert_scores: Callable[..., None]
) -> None:
    expected = golden("cuhk03_single_shot_deterministic").expected
    drawn, whole = evaluate("cuhk03_single_shot_deterministic").tasks
    assert len(drawn.trials) == 10
    assert_scores(drawn.scores, {key: value for key, value in expected.items() if key != "mAP"})
    assert_scores(whole.scores, {"mAP": expected["mAP"]})
    assert (whole.scores.num_queries, whole.scores.num_without_match) == (20, 1)


def test_random_draws_agree_with_the_mean_of_the_published_code(
    golden: Callable, evaluate: Callable[..., ProtocolScores], assert_scores: Callable[..., None]
) -> None:
    expected = golden("cuhk03_single_shot_random").expected
    drawn, whole = evaluate("cuhk03_single_shot_random", repeats=200).tasks
    assert_scores(whole.scores, {"mAP": expected["mAP"]})
    for k in (1, 5, 10, 20):
        mean, std = (expected[key][f"cmc@{k}"] for key in ("cmc_mean_over_200_runs", "cmc_std_of_one_run"))
        runs = 20  # of ten repeats each, against 200 of them
        assert abs(drawn.scores.rank[k] - mean) < 4 * std * np.sqrt(1 / runs + 1 / 200)


def test_the_seed_decides(evaluate: Callable[..., ProtocolScores]) -> None:
    first, again, other = (evaluate("cuhk03_single_shot_random", repeats=2, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.tasks[0] != other.tasks[0]
    assert first.tasks[1] == other.tasks[1]
    with pytest.raises(ConfigError, match="repeats is 0"):
        evaluate("cuhk03_single_shot_random", repeats=0)


@pytest.fixture
def evaluate(
    golden: Callable, make_records: Callable[..., list[Record]], embed_distances: Callable[..., Callable]
) -> Callable[..., ProtocolScores]:
    def score(name: str, **options: int) -> ProtocolScores:
        arrays = golden(name).arrays
        queries = make_records(Split.QUERY, Modality.RGB, arrays["q_pids"], arrays["q_camids"])
        gallery = make_records(Split.GALLERY, Modality.RGB, arrays["g_pids"], arrays["g_camids"])
        embed = embed_distances(queries, gallery, arrays["distmat"])
        return evaluate_cuhk03_single_shot([*queries, *gallery], embed, **options)

    return score
