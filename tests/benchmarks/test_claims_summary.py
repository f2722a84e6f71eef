"""Means, deviations and paired differences by hand."""

from __future__ import annotations

import pytest
from claims_summary import cells_of, fusion_differences, paired, spread, summarise_row


def cells(rank1: float, mean_ap: float, cell: str = "R single") -> dict[str, dict[str, float]]:
    return {cell: {"rank1": rank1, "mAP": mean_ap}}


def test_spread_by_hand() -> None:
    # mean (1 + 2 + 6) / 3 = 3; squares 4 + 1 + 9 = 14, over n - 1 = 2: variance 7
    assert spread([1, 2, 6]) == {"mean": 3, "deviation": pytest.approx(7**0.5)}
    assert spread([0.25]) == {"mean": 0.25, "deviation": None}


def test_paired_by_hand() -> None:
    # differences 1, 2, 3: mean 2, deviation 1, standard error 1 / sqrt 3 = 0.577, and 2 > 2 * 0.577
    found = paired([2, 4, 6], [1, 2, 3])
    assert found == {"mean": 2, "deviation": 1, "standard_error": pytest.approx(3**-0.5), "is_clear": True}
    # -3, 0, 6: mean 1, variance (16 + 1 + 25) / 2 = 21, standard error sqrt 7 = 2.65
    found = paired([0, 0, 6], [3, 0, 0])
    assert found["standard_error"] == pytest.approx(7**0.5) and found["is_clear"] is False
    assert paired([1], [3]) == {"mean": -2, "deviation": None, "standard_error": None, "is_clear": None}
    assert paired([1, 2], [1, 2])["is_clear"] is False


def test_pairs_cancel_what_the_seeds_share() -> None:
    """Both vary by 10 from seed to seed, their difference by nothing."""
    assert paired([11, 21, 31], [10, 20, 30]) == {"mean": 1, "deviation": 0, "standard_error": 0, "is_clear": True}


def test_a_row_pairs_the_seeds_that_both_have() -> None:
    row = summarise_row(
        {2: cells(0.5, 0.25), 1: cells(0.75, 0.5), 3: cells(1.0, 0.0)}, {1: cells(0.25, 0.5), 2: cells(0.5, 0.5)}
    )
    assert row["seeds"] == [1, 2, 3]
    assert row["cells"]["R single"]["rank1"] == {"mean": 0.75, "deviation": 0.25}
    difference = row["differences"]["R single"]["rank1"]  # 0.5 and 0, of seeds 1 and 2
    assert difference["mean"] == 0.25 and difference["standard_error"] == pytest.approx(0.25)
    assert row["differences"]["R single"]["mAP"]["mean"] == -0.125
    assert summarise_row({1: cells(1, 1)}, None)["differences"] == {}
    assert summarise_row({1: cells(1, 1)}, {2: cells(0, 0)})["differences"] == {}


def test_fusions_are_paired_by_combination() -> None:
    def run(early: float, late: float) -> dict[str, dict[str, float]]:
        return cells(0, 0, "R single") | cells(early, early, "RT early") | cells(late, late, "RT late")

    found = fusion_differences({1: run(0.5, 0.25), 2: run(0.75, 0.25)}, ("early", "late"))
    assert set(found) == {"RT"}
    assert found["RT"]["mAP"]["mean"] == 0.375


def test_cells_of_a_record() -> None:
    tasks = [{"task": "RT", "fusion": "late, equal", "rank1": 0.5, "mAP": 0.25, "num_queries": 9}]
    assert cells_of({"tasks": tasks}) == {"RT late, equal": {"rank1": 0.5, "mAP": 0.25}}
