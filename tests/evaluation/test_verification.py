"""Verification against hand-worked numbers, a loop over all thresholds, and fast-reid with scikit-learn (golden)."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.verification import verify_distances, verify_features

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"
needs_golden = pytest.mark.skipif(
    not (GOLDEN / "golden.json").exists(), reason="golden files are not beside this checkout"
)
RATES = (0.0, 0.001, 0.05, 0.2, 0.5, 1.0)


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 7)), int(rng.integers(3, 20)))
    distances = rng.integers(0, (3, 8, 1000)[seed % 3], shape).astype(np.float32)
    matches, ignore = rng.random(shape) < 0.3, rng.random(shape) < 0.2
    matches[0, :2], ignore[0, :2] = (True, False), False
    return distances, matches, ignore


def points(genuine: list[float], impostors: list[float]) -> list[tuple[int, int]]:
    """Return (impostors accepted, genuine accepted) at every distance, from near to far."""
    return [(sum(i <= t for i in impostors), sum(g <= t for g in genuine)) for t in sorted({*genuine, *impostors})]


def naive_false_accept(genuine: list[float], impostors: list[float], rate: float) -> float:
    reached = [g / len(genuine) for i, g in points(genuine, impostors) if i / len(impostors) <= rate]
    return max(reached, default=0.0)


def naive_fast_reid(genuine: list[float], impostors: list[float], rate: float) -> float:
    """As documented: points from far to near, those between two equal steps left out, the first of the nearest."""
    rejected = [
        (sum(g >= t for g in genuine), sum(i >= t for i in impostors))
        for t in sorted({*genuine, *impostors}, reverse=True)
    ]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(rejected)]
    inner = [p for p, a, b in zip(rejected[1:-1], steps, steps[1:], strict=False) if a != b]
    kept = [(0, 0), rejected[0], *inner, *rejected[1:][-1:]]
    return min(kept, key=lambda p: abs(p[0] / len(genuine) - rate))[1] / len(impostors)


def test_by_hand() -> None:
    #            genuine:   1    3            5    5
    #            impostors:      3    4                 6    7
    distances = np.array([[1, 3, 3, 4, 5], [5, 6, 7, 9, 0]], dtype=np.float32)
    matches = np.array([[1, 1, 0, 0, 1], [1, 0, 0, 1, 0]], dtype=bool)
    ignore = np.array([[0, 0, 0, 0, 0], [0, 0, 0, 1, 1]], dtype=bool)
    scores = verify_distances(distances, matches, ignore, rates=(0, 0.25, 0.3, 0.5, 1))
    assert dict(scores.tpr) == {0: 0.25, 0.25: 0.5, 0.3: 0.5, 0.5: 1.0, 1: 1.0}
    assert scores.auc == ((4 + 3.5 + 2 + 2) / 4) / 4  # impostors farther than each genuine pair, a tie half
    assert (scores.num_genuine, scores.num_impostor) == (4, 4)
    assert scores.thresholds.tolist() == [1, 3, 5]
    assert scores.true_accept_rate.tolist() == [0.25, 0.5, 1.0]
    assert scores.false_accept_rate.tolist() == [0, 0.25, 0.5]
    other = verify_distances(distances, matches, ignore, variant="fast-reid", rates=(0, 0.25, 0.4, 1))
    # 7 and 6 are rejected first, with no genuine pair; then both at 5 (rate 0.5), 4, both at 3 (rate 0.75), 1 (rate 1)
    assert dict(other.tpr) == {0: 0.0, 0.25: 0.0, 0.4: 0.5, 1: 1.0}
    assert other.auc == scores.auc


@pytest.mark.parametrize("seed", range(30))
def test_equals_the_naive_loop(seed: int) -> None:
    distances, matches, ignore = random_case(seed)
    genuine, impostors = distances[matches & ~ignore].tolist(), distances[~matches & ~ignore].tolist()
    usual = verify_distances(distances, matches, ignore, rates=RATES)
    fast_reid = verify_distances(distances, matches, ignore, rates=RATES, variant="fast-reid")
    for rate in RATES:
        assert usual.tpr[rate] == pytest.approx(naive_false_accept(genuine, impostors, rate), abs=1e-12)
        assert fast_reid.tpr[rate] == pytest.approx(naive_fast_reid(genuine, impostors, rate), abs=1e-12)
    wins = sum((g < i) + 0.5 * (g == i) for g in genuine for i in impostors)
    assert usual.auc == pytest.approx(wins / len(genuine) / len(impostors), abs=1e-12)
    assert (usual.num_genuine, usual.num_impostor) == (len(genuine), len(impostors))


@pytest.mark.parametrize("block", [1, 3, 256])
def test_blocks_equal_the_full_matrix(block: int) -> None:
    rng = np.random.default_rng(1)
    query, gallery = (rng.standard_normal((n, 8)).astype(np.float32) for n in (7, 30))
    query, gallery = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (query, gallery))
    matches, ignore = rng.random((7, 30)) < 0.2, rng.random((7, 30)) < 0.1
    calls: list[slice] = []

    def masks(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        calls.append(rows)
        return matches[rows], ignore[rows]

    scores = verify_features(query, gallery, masks, block=block, rates=RATES)
    assert scores == verify_distances(1 - query @ gallery.T, matches, ignore, rates=RATES)
    assert calls[: len(calls) // 2] == calls[len(calls) // 2 :]
    assert [i for rows in calls for i in range(rows.start, rows.stop)] == 2 * list(range(7))


def test_perfect_and_reversed() -> None:
    distances = np.array([[0.1, 0.2, 0.8, 0.9]])
    matches, ignore = np.array([[True, True, False, False]]), np.zeros((1, 4), dtype=bool)
    assert verify_distances(distances, matches, ignore, rates=(0,)).tpr[0] == 1
    assert verify_distances(distances, matches, ignore).auc == 1
    assert verify_distances(distances, ~matches, ignore).auc == 0


def test_wrong_input() -> None:
    distances, matches, ignore = random_case(0)
    with pytest.raises(ConfigError, match="variant is 'usual'; choose one of: false-accept, fast-reid"):
        verify_distances(distances, matches, ignore, variant="usual")
    with pytest.raises(ConfigError, match="false positive rate is 2"):
        verify_distances(distances, matches, ignore, rates=(0.1, 2))
    with pytest.raises(DataError, match=r"must all be \(Q, G\)"):
        verify_distances(distances, matches[:, 1:], ignore)
    with pytest.raises(DataError, match=r"there are 0 pairs of the same person and \d+ of different"):
        verify_distances(distances, np.zeros_like(matches), ignore)
    with pytest.raises(DataError, match="0 of different persons"):
        verify_distances(distances, np.ones_like(matches), ignore)
    distances[0, 0] = np.nan
    with pytest.raises(DataError, match=r"1 of .* distances are NaN"):
        verify_distances(distances, matches, ignore)


@needs_golden
def test_equals_published_implementations() -> None:
    case = next(c for c in json.loads((GOLDEN / "golden.json").read_text())["cases"] if c["id"] == "roc_verification")
    with np.load(GOLDEN / case["file"]) as file:
        arrays = dict(file)
    matches = arrays["q_pids"][:, None] == arrays["g_pids"]
    ignore = matches & (arrays["q_camids"][:, None] == arrays["g_camids"])
    expected = case["expected"]
    for variant, name in (("false-accept", "verification TPR@FAR<="), ("fast-reid", "fastreid TPR@FPR=")):
        scores = verify_distances(arrays["distmat"], matches, ignore, variant=variant)
        assert scores.auc == pytest.approx(expected["auc"], abs=1e-6)
        assert scores.num_genuine == expected["num_positive_pairs"]
        assert scores.num_impostor == expected["num_negative_pairs"]
        for rate, value in scores.tpr.items():
            assert value == pytest.approx(expected[f"{name}{rate:.0e}"], abs=1e-6)
