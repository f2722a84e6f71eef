"""Query expansion against a loop over the definition, an example by hand, and fast-reid (golden file)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.query_expansion import expand_features

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"
needs_golden = pytest.mark.skipif(
    not (GOLDEN / "golden.json").exists(), reason="golden files are not beside this checkout"
)


def features(num: int, seed: int) -> np.ndarray:
    """Positive and of different lengths."""
    return np.random.default_rng(seed).random((num, 6)).astype(np.float32)


def naive(pool: np.ndarray, k: int, alpha: float) -> np.ndarray:
    expanded = []
    for item in pool:
        cosine = [float(item @ other) / float(np.linalg.norm(item) * np.linalg.norm(other)) for other in pool]
        nearest = sorted(range(len(pool)), key=lambda j: -cosine[j])[:k]
        expanded.append(sum(cosine[j] ** alpha * pool[j].astype(np.float64) for j in nearest) / k)
    return np.array(expanded)


def test_by_hand() -> None:
    query, gallery = np.array([[2, 0]], np.float32), np.array([[3, 3], [0, 1]], np.float32)
    new_query, new_gallery = expand_features(query, gallery, k=2, alpha=2)
    # cosines: query to (3, 3) is sqrt(1/2), squared 1/2; (3, 3) to both others alike, and the query comes first
    np.testing.assert_allclose(new_query, [[(2 + 1.5) / 2, 1.5 / 2]], rtol=1e-6)
    np.testing.assert_allclose(new_gallery, [[(3 + 1) / 2, 3 / 2], [1.5 / 2, (1 + 1.5) / 2]], rtol=1e-6)


@pytest.mark.parametrize("block", [1, 4, 256])
@pytest.mark.parametrize(("times", "k", "alpha"), [(1, 5, 3.0), (2, 3, 0.5), (1, 1, 3.0), (1, 100, 1.0), (1, 4, 0.0)])
def test_equals_the_naive_loop(times: int, k: int, alpha: float, block: int) -> None:
    query, gallery = features(4, 1), features(11, 2)
    pool = np.concatenate([query, gallery])
    for _ in range(times):
        pool = naive(pool, min(k, 15), alpha)
    new_query, new_gallery = expand_features(query, gallery, qe_times=times, k=k, alpha=alpha, block=block)
    np.testing.assert_allclose(new_query, pool[:4], rtol=1e-5)
    np.testing.assert_allclose(new_gallery, pool[4:], rtol=1e-5)
    assert new_query.dtype == new_gallery.dtype == np.float32


def test_one_neighbour_is_the_item_itself() -> None:
    query, gallery = features(3, 3), features(5, 4)
    new_query, new_gallery = expand_features(query, gallery, k=1)
    np.testing.assert_allclose(new_query, query, rtol=1e-6)
    np.testing.assert_allclose(new_gallery, gallery, rtol=1e-6)


def test_opposite_neighbours_and_vectors_without_direction_have_no_say() -> None:
    query, gallery = np.array([[1, 0]], np.float32), np.array([[-1, 0], [0, 0]], np.float32)
    new_query, new_gallery = expand_features(query, gallery, k=3, alpha=0.5)
    np.testing.assert_allclose(new_query, [[1 / 3, 0]], rtol=1e-6)
    np.testing.assert_allclose(new_gallery, [[-1 / 3, 0], [0, 0]], rtol=1e-6)


@pytest.mark.parametrize("wrong", [{"qe_times": 0}, {"k": 0}, {"alpha": -1}, {"alpha": float("nan")}])
def test_wrong_settings(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="give at least 1, at least 1, and at least 0"):
        expand_features(features(2, 0), features(2, 1), **wrong)


def test_nothing_to_expand() -> None:
    with pytest.raises(DataError, match="no feature to expand"):
        expand_features(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))


@needs_golden
def test_equals_fast_reid() -> None:
    case = next(c for c in json.loads((GOLDEN / "golden.json").read_text())["cases"] if c["id"] == "aqe")
    with np.load(GOLDEN / case["file"]) as file:
        arrays = dict(file)
    for times, k, alpha in case["params"]["settings"]:
        query, gallery = expand_features(arrays["q_feat"], arrays["g_feat"], qe_times=times, k=k, alpha=alpha)
        name = f"t{times}_k{k}_a{alpha:.0f}"
        np.testing.assert_allclose(query, arrays[f"exp_q_{name}"], atol=1e-6)
        np.testing.assert_allclose(gallery, arrays[f"exp_g_{name}"], atol=1e-6)
