"""Scores against hand-worked numbers, a naive loop, and published implementations (golden files, where they exist)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation import ranking
from aio_reid.evaluation.ranking import rank_features, score_ranking
from aio_reid.evaluation.scores import RetrievalScores

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"
needs_golden = pytest.mark.skipif(
    not (GOLDEN / "golden.json").exists(), reason="golden files are not beside this checkout"
)


def naive_scores(
    distances: np.ndarray, matches: np.ndarray, ignore: np.ndarray, ranks: tuple[int, ...]
) -> dict[str, float]:
    """A second, slow reading of the definitions: walk down every ranking with plain Python."""
    firsts, aps, inps = [], [], []
    for row, match, junk in zip(distances.tolist(), matches.tolist(), ignore.tolist(), strict=True):
        ranking = sorted((d, g) for g, d in enumerate(row) if not junk[g])
        found, precisions, last = 0, [], 0
        for position, (_, g) in enumerate(ranking, start=1):
            if match[g]:
                found += 1
                precisions.append(found / position)
                last = position
        if found:
            firsts.append(round(1 / precisions[0]))
            aps.append(sum(precisions) / found)
            inps.append(found / last)
    scores = {f"rank-{k}": sum(f <= k for f in firsts) / len(firsts) for k in ranks}
    return scores | {"mAP": sum(aps) / len(aps), "mINP": sum(inps) / len(inps), "num_scored": len(firsts)}


def assert_equal(scores: RetrievalScores, expected: dict[str, float]) -> None:
    for k, value in scores.rank.items():
        assert value == pytest.approx(expected[f"rank-{k}"], abs=1e-12)
    assert scores.mAP == pytest.approx(expected["mAP"], abs=1e-12)
    assert scores.mINP == pytest.approx(expected["mINP"], abs=1e-12)
    assert scores.num_scored == expected["num_scored"]


def random_case(seed: int, *, ties: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 12)), int(rng.integers(2, 40)))
    distances = rng.integers(0, 4, shape).astype(np.float32) if ties else rng.random(shape, dtype=np.float32)
    matches = rng.random(shape) < 0.2
    matches[0, 0], ignore = True, rng.random(shape) < 0.2
    ignore[0, 0] = False
    return distances, matches, ignore


def test_three_queries_by_hand() -> None:
    distances = np.array(
        [
            [0.1, 0.2, 0.3, 0.4, 0.5],  # order 0 1 2 3 4; entry 0 ignored -> 1 2 3 4; matches 2 and 4 at ranks 2 and 4
            [0.5, 0.4, 0.3, 0.2, 0.1],  # order 4 3 2 1 0; match 4 at rank 1
            [0.2, 0.2, 0.2, 0.2, 0.2],  # its only match is ignored: counted, not scored
        ]
    )
    matches = np.array([[1, 0, 1, 0, 1], [0, 0, 0, 0, 1], [0, 1, 0, 0, 0]], dtype=bool)
    ignore = np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]], dtype=bool)
    scores = score_ranking(distances, matches, ignore, ranks=(1, 2, 3))
    assert dict(scores.rank) == {1: 0.5, 2: 1.0, 3: 1.0}
    assert scores.mAP == pytest.approx(((1 / 2 + 2 / 4) / 2 + 1) / 2)
    assert scores.mINP == pytest.approx((2 / 4 + 1) / 2)
    assert (scores.num_queries, scores.num_scored, scores.num_without_match, scores.num_gallery) == (3, 2, 1, 5)
    assert scores.first_match.tolist() == [2, 1, 0]
    np.testing.assert_array_equal(scores.average_precision, [0.5, 1.0, np.nan])
    np.testing.assert_array_equal(scores.inverse_penalty, [0.5, 1.0, np.nan])


@pytest.mark.parametrize("most_counted", [0, 256])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(15))
def test_equals_the_naive_loop(seed: int, ties: bool, most_counted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "MOST_COUNTED", most_counted)  # both ways to a rank
    monkeypatch.setattr(ranking, "BLOCK_ENTRIES", 64)  # several blocks
    case = random_case(seed, ties=ties)
    before = [array.copy() for array in case]
    ranks = (1, 2, 5, 100)
    assert_equal(score_ranking(*case, ranks=ranks), naive_scores(*case, ranks))
    assert all(np.array_equal(a, b) for a, b in zip(before, case, strict=True)), "an input was changed"


@pytest.mark.parametrize("seed", range(10))
def test_persons_up_to_the_first_match_equal_a_naive_walk(seed: int) -> None:
    distances, matches, ignore = random_case(seed, ties=seed % 2 == 0)
    persons = np.random.default_rng(seed).integers(0, 5, distances.shape[1])
    scores = score_ranking(distances, matches, ignore, gallery_persons=persons)
    for q, first in enumerate(scores.first_match.tolist()):
        seen: list[int] = []
        for _, g in sorted((d, g) for g, d in enumerate(distances[q].tolist()) if not ignore[q, g]):
            seen.append(int(persons[g]))
            if matches[q, g]:
                break
        else:
            seen = []
        assert first == len(set(seen))


def test_an_ignored_entry_may_hold_any_distance() -> None:
    distances, matches, ignore = random_case(3, ties=False)
    changed = np.where(ignore, np.float32(-5), distances)
    assert score_ranking(changed, matches, ignore) == score_ranking(distances, matches, ignore)


def test_reordering_the_gallery_changes_nothing_without_ties() -> None:
    distances, matches, ignore = random_case(4, ties=False)
    order = np.random.default_rng(0).permutation(distances.shape[1])
    assert score_ranking(distances[:, order], matches[:, order], ignore[:, order]) == score_ranking(
        distances, matches, ignore
    )


@pytest.mark.parametrize("block", [1, 3, 7, 1000])
def test_blocks_equal_the_full_matrix(block: int) -> None:
    rng = np.random.default_rng(5)
    query, gallery = (rng.standard_normal((n, 8)).astype(np.float32) for n in (7, 30))
    query, gallery = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (query, gallery))
    matches, ignore = rng.random((7, 30)) < 0.2, rng.random((7, 30)) < 0.1
    seen: list[slice] = []

    def masks(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        seen.append(rows)
        return matches[rows], ignore[rows]

    scores = rank_features(query, gallery, masks, block=block)
    assert scores == score_ranking(1 - query @ gallery.T, matches, ignore)
    assert [i for rows in seen for i in range(rows.start, rows.stop)] == list(range(7))
    assert max(rows.stop - rows.start for rows in seen) <= block


def test_equal_features_keep_the_order_of_the_gallery() -> None:
    query, gallery = np.eye(4, dtype=np.float32)[[0, 0]], np.eye(4, dtype=np.float32)[[1, 0, 2, 0, 0, 3]]
    matches = np.array([[0, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 1]], dtype=bool)  # ranks: 1 3 5; 1 0 2 0 0 3 -> cosines
    ignore = np.zeros((2, 6), dtype=bool)
    scores = rank_features(query, gallery, lambda rows: (matches[rows], ignore[rows]))
    assert scores.first_match.tolist() == [2, 4]  # order 1 3 4 0 2 5
    assert scores.inverse_penalty.tolist() == [1 / 2, 2 / 6]
    ignore[:, 1] = True
    assert rank_features(query, gallery, lambda rows: (matches[rows], ignore[rows])).first_match.tolist() == [1, 3]


def test_near_cosines_are_told_apart() -> None:
    gallery = np.array([[1 - 2**-23, 0], [1, 0]], dtype=np.float32) / 4  # 1 - cosine would round both to one number
    query = np.array([[2**-6, 0]], dtype=np.float32)
    matches, ignore = np.array([[False, True]]), np.zeros((1, 2), dtype=bool)
    assert rank_features(query, gallery, lambda rows: (matches[rows], ignore[rows])).first_match.tolist() == [1]


def test_no_match_at_all_is_an_error_that_explains() -> None:
    distances, none = np.zeros((2, 3), np.float32), np.zeros((2, 3), bool)
    with pytest.raises(DataError, match="none of the 2 queries has a true match among the 3 gallery entries"):
        score_ranking(distances, none, none)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_distances_that_are_not_finite_are_an_error(value: float) -> None:
    distances, matches, ignore = random_case(6, ties=False)
    distances[0, 1] = value
    with pytest.raises(DataError, match=r"1 of .* distances are NaN or infinite"):
        score_ranking(distances, matches, ignore)


def test_shapes_and_types_are_checked() -> None:
    distances, matches, ignore = random_case(7, ties=False)
    with pytest.raises(DataError, match=r"must all be \(Q, G\)"):
        score_ranking(distances, matches[:, 1:], ignore)
    with pytest.raises(DataError, match="must be bool"):
        score_ranking(distances, matches.astype(int), ignore)
    with pytest.raises(DataError, match="block is 0"):
        rank_features(
            np.zeros((2, 3), np.float32), np.zeros((4, 3), np.float32), lambda rows: (matches, ignore), block=0
        )
    with pytest.raises(DataError, match="1 of 4 gallery vectors are NaN, infinite or too long, the first is row 2"):
        wrong = np.zeros((4, 3), np.float32)
        wrong[2, 1] = np.nan
        rank_features(np.zeros((2, 3), np.float32), wrong, lambda rows: (matches, ignore))
    with pytest.raises(DataError, match="same E"):
        rank_features(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32), lambda rows: (matches, ignore))


def load_golden(name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    cases = {case["id"]: case for case in json.loads((GOLDEN / "golden.json").read_text())["cases"]}
    with np.load(GOLDEN / cases[name]["file"]) as arrays:
        return cases[name]["expected"], dict(arrays)


def score_golden(arrays: dict[str, np.ndarray], *, camera_rule: bool, ranks: tuple[int, ...]) -> RetrievalScores:
    distances = arrays["distmat"] if "distmat" in arrays else -arrays["similarity"]
    matches = arrays["q_pids"][:, None] == arrays["g_pids"]
    ignore = np.zeros_like(matches)
    if camera_rule:
        ignore = (matches & (arrays["q_camids"][:, None] == arrays["g_camids"])) | (arrays["g_pids"] == -1)
    return score_ranking(distances, matches, ignore, ranks=ranks)


PUBLISHED = {  # name -> is there a camera rule
    "market_mid": True,
    "market_short_gallery": True,
    "market_junk_minus1": True,
    "market_small_degenerate": True,
    "cuhk03_np_market_metric": True,
    "crossmodal_some_without_match": False,
    "mask1k_multistyle_like": False,
    "pku_sketch_like": False,
    "text2image": False,
}


@needs_golden
@pytest.mark.parametrize("name", PUBLISHED)
def test_equals_published_implementations(name: str) -> None:
    expected, arrays = load_golden(name)
    scores = score_golden(arrays, camera_rule=PUBLISHED[name], ranks=tuple(range(1, 51)))
    for curve in (arrays[key] for key in ("exp_cmc", "exp_cmc_padded50") if key in arrays):
        np.testing.assert_allclose(list(scores.rank.values())[: len(curve)], curve, atol=1e-6)
    for key in (key for key in expected if key.startswith("cmc@")):
        assert scores.rank[int(key.removeprefix("cmc@"))] == pytest.approx(expected[key], abs=1e-6)
    assert scores.mAP == pytest.approx(expected["mAP"], abs=1e-6)
    assert scores.mINP == pytest.approx(expected["mINP"], abs=1e-6)
    scored = scores.first_match > 0
    assert scores.num_scored == expected.get("num_valid_queries", scored.sum())
    if "exp_valid" in arrays:
        np.testing.assert_array_equal(scored, arrays["exp_valid"])
    if "exp_ap_valid" in arrays:
        np.testing.assert_allclose(scores.average_precision[scored], arrays["exp_ap_valid"], atol=1e-6)
        np.testing.assert_allclose(scores.inverse_penalty[scored], arrays["exp_inp_valid"], atol=1e-6)


@needs_golden
def test_every_golden_case_of_market_is_tested() -> None:
    ids = {case["id"] for case in json.loads((GOLDEN / "golden.json").read_text())["cases"]}
    tested = {*PUBLISHED, "market_ties_sensitive", "market_no_valid_query"}
    assert {name for name in ids if name.startswith(("market_", "crossmodal_"))} <= tested


@needs_golden
@pytest.mark.parametrize("kind", ["stable_sort", "optimistic", "pessimistic"])
def test_ties_as_published(kind: str) -> None:
    """The order of the gallery decides between equals: with the matches first or last, both bounds are met exactly."""
    expected, arrays = load_golden("market_ties_sensitive")
    matches = arrays["q_pids"][:, None] == arrays["g_pids"]
    ignore = matches & (arrays["q_camids"][:, None] == arrays["g_camids"])
    sign = {"stable_sort": 0, "optimistic": -1, "pessimistic": 1}[kind]
    order = np.argsort(sign * matches.astype(int), axis=1, kind="stable")
    case = [np.take_along_axis(a, order, axis=1) for a in (arrays["distmat"], matches, ignore)]
    scores = score_ranking(case[0], case[1], case[2], ranks=tuple(range(1, 51)))
    np.testing.assert_allclose(list(scores.rank.values()), arrays[f"exp_cmc_{kind.removesuffix('_sort')}"], atol=1e-6)
    assert scores.mAP == pytest.approx(expected[kind]["mAP"], abs=1e-6)
    assert scores.mINP == pytest.approx(expected[kind]["mINP"], abs=1e-6)
    if kind == "stable_sort":
        np.testing.assert_allclose(scores.average_precision, arrays["exp_ap_stable"], atol=1e-6)


@needs_golden
def test_queries_without_match_as_published() -> None:
    expected, arrays = load_golden("text2image_query_without_match")
    scores = score_golden(arrays, camera_rule=False, ranks=(1, 5, 10))
    assert scores.mAP == pytest.approx(expected["drop_invalid"]["mAP"], abs=1e-6)
    with pytest.raises(DataError, match="none of the 3 queries"):
        score_golden(load_golden("market_no_valid_query")[1], camera_rule=True, ranks=(1,))


def test_per_identity_curves_count_each_person_where_it_first_occurs() -> None:
    distances = np.array([[0.1, 0.2, 0.3, 0.4, 0.5]], dtype=np.float32)
    persons = np.array([8, 8, 9, 8, 7])
    matches, ignore = persons[None] == 7, np.zeros((1, 5), dtype=np.bool_)
    per_picture = score_ranking(distances, matches, ignore, ranks=(1, 2, 3, 4, 5))
    per_person = score_ranking(distances, matches, ignore, gallery_persons=persons, ranks=(1, 2, 3, 4, 5))
    assert [per_picture.rank[k] for k in (3, 4, 5)] == [0, 0, 1]
    assert [per_person.rank[k] for k in (2, 3)] == [0, 1]  # persons 8, 9, 7
    assert (per_person.mAP, per_person.mINP) == (per_picture.mAP, per_picture.mINP) == (0.2, 0.2)
    ignore[0, 2] = True  # person 9 holds no rank any more
    assert score_ranking(distances, matches, ignore, gallery_persons=persons, ranks=(2,)).rank[2] == 1
