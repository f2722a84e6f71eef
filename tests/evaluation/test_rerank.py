"""Re-ranking against a slow reading of the definition with Python sets, invariances, and published code (golden)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.ranking import score_ranking
from aio_reid.evaluation.rerank import rerank, rerank_distances

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"
needs_golden = pytest.mark.skipif(
    not (GOLDEN / "golden.json").exists(), reason="golden files are not beside this checkout"
)
SETTINGS = [(20, 6, 0.3), (5, 3, 0.5), (3, 1, 0.3), (1, 2, 0.0), (4, 100, 0.2), (100, 4, 0.3), (7, 2, 1.0)]


def features(num: int, seed: int) -> np.ndarray:
    """Unit vectors around four centres."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((4, 5))
    vectors = centres[rng.integers(0, 4, num)] + 0.6 * rng.standard_normal((num, 5))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def distances_of(query: np.ndarray, gallery: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.norm(a[:, None].astype(np.float64) - b[None], axis=2)

    return between(query, gallery), between(query, query), between(gallery, gallery)


def naive(query: np.ndarray, gallery: np.ndarray, k1: int, k2: int, weight: float) -> np.ndarray:
    qg, qq, gg = distances_of(query, gallery)
    d = np.block([[qq, qg], [qg.T, gg]]) ** 2
    o = d / d.max(axis=1, keepdims=True)
    N = len(o)
    order = [sorted(range(N), key=lambda j, i=i: (j != i, o[i, j])) for i in range(N)]

    def mutual(i: int, k: int) -> set[int]:
        return {j for j in order[i][: k + 1] if i in order[j][: k + 1]}

    described = np.zeros((N, N))
    for i in range(N):
        near = mutual(i, k1)
        halves = [mutual(j, round(k1 / 2)) for j in near]
        grown = near.union(*(half for half in halves if len(half & near) > 2 / 3 * len(half)))
        for j in grown:
            described[i, j] = np.exp(-o[i, j])
        described[i] /= described[i].sum()
    described = np.array([described[order[i][:k2]].mean(axis=0) for i in range(N)])
    Q = len(query)
    shared = np.array([[np.minimum(a, b).sum() for b in described[Q:]] for a in described[:Q]])
    return (1 - weight) * (1 - shared / (2 - shared)) + weight * o[:Q, Q:]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("k1", "k2", "weight"), SETTINGS)
def test_equals_the_naive_reading(k1: int, k2: int, weight: float, seed: int) -> None:
    query, gallery = features(6, seed), features(25, seed + 100)
    expected = naive(query, gallery, k1, k2, weight)
    result = rerank(query, gallery, k1=k1, k2=k2, lambda_value=weight)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=2e-6)
    given = rerank_distances(*distances_of(query, gallery), k1=k1, k2=k2, lambda_value=weight)
    np.testing.assert_allclose(given, expected, atol=2e-6)


@pytest.mark.parametrize("block", [1, 5, 31])
def test_blocks_change_nothing(block: int) -> None:
    query, gallery = features(6, 0), features(25, 1)
    before = query.copy(), gallery.copy()
    np.testing.assert_allclose(rerank(query, gallery, k1=6, block=block), rerank(query, gallery, k1=6), atol=1e-6)
    assert np.array_equal(before[0], query) and np.array_equal(before[1], gallery)


def test_reordering_reorders() -> None:
    query, gallery = features(6, 2), features(25, 3)
    rng = np.random.default_rng(0)
    q, g = rng.permutation(6), rng.permutation(25)
    np.testing.assert_allclose(
        rerank(query[q], gallery[g], k1=6), rerank(query, gallery, k1=6)[np.ix_(q, g)], atol=1e-6
    )


def test_lambda_one_is_the_original_distance_scaled_by_query() -> None:
    query, gallery = features(3, 4), features(9, 5)
    squares = distances_of(query, gallery)[0] ** 2
    own = distances_of(query, gallery)[1] ** 2
    largest = np.maximum(squares.max(axis=1), own.max(axis=1))
    np.testing.assert_allclose(rerank(query, gallery, lambda_value=1), squares / largest[:, None], atol=1e-6)


def test_many_copies_of_one_picture() -> None:
    """Every item is its own nearest, however many look the same; all at one place is no division by zero."""
    query, gallery = np.repeat(features(1, 6), 3, axis=0), np.repeat(features(1, 6), 20, axis=0)
    result = rerank(query, gallery, k1=4, k2=2)
    assert np.isfinite(result).all() and result.min() >= 0 and result.max() <= 1
    other = np.concatenate([gallery, -gallery[:5]])
    result = rerank(query, other, k1=30, k2=2)
    assert result[:, :20].max() < 1e-5 < 0.5 < result[:, 20:].min()


@pytest.mark.parametrize("wrong", [{"k1": 0}, {"k2": 0}, {"lambda_value": 1.5}, {"lambda_value": float("nan")}])
def test_wrong_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} is"):
        rerank(features(2, 0), features(3, 0), **wrong)  # type: ignore[arg-type]


def test_wrong_input() -> None:
    query, gallery = features(2, 0), features(3, 1)
    qg, qq, gg = distances_of(query, gallery)
    with pytest.raises(DataError, match=r"must be \(Q, G\), \(Q, Q\) and \(G, G\)"):
        rerank_distances(qg, gg, qq)
    with pytest.raises(DataError, match=r"must be \(Q, G\), \(Q, Q\) and \(G, G\)"):
        rerank_distances(qg[0], qq, gg)
    with pytest.raises(DataError, match="NaN or infinite"):
        rerank_distances(qg, qq * np.nan, gg)
    with pytest.raises(DataError, match="0 queries and 3 gallery entries"):
        rerank(query[:0], gallery)
    with pytest.raises(DataError, match="2 queries and 0 gallery entries"):
        rerank(query, gallery[:0])
    with pytest.raises(DataError, match="same E"):
        rerank(query, gallery[:, 1:])


@needs_golden
@pytest.mark.parametrize("name", ["rerank_small_k20", "rerank_small_k6", "rerank_k2is1", "rerank_large_k20"])
def test_equals_published_implementations(name: str) -> None:
    case = next(c for c in json.loads((GOLDEN / "golden.json").read_text())["cases"] if c["id"] == name)
    with np.load(GOLDEN / case["file"]) as file:
        arrays = dict(file)
    settings = case["params"]
    result = rerank_distances(arrays["q_g_dist"], arrays["q_q_dist"], arrays["g_g_dist"], **settings)
    np.testing.assert_allclose(result, arrays["exp_dist"], atol=case["tolerance"])
    if "q_feat" in arrays:
        np.testing.assert_allclose(
            rerank(arrays["q_feat"], arrays["g_feat"], **settings), arrays["exp_dist"], atol=case["tolerance"]
        )
    matches = arrays["q_pids"][:, None] == arrays["g_pids"]
    ignore = matches & (arrays["q_camids"][:, None] == arrays["g_camids"])
    scores = score_ranking(result, matches, ignore)
    expected = case["expected"]["metrics_after"]
    assert scores.mAP == pytest.approx(expected["mAP"], abs=1e-6)
    assert scores.rank[1] == pytest.approx(expected["cmc@1"], abs=1e-6)
    assert scores.mINP == pytest.approx(expected["mINP"], abs=1e-6)
