"""Reports on unseen people, by hand and on distributions whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from known_scores import normal_comparisons
from test_fits import fitted

from aio_reid.errors import DataError
from aio_reid.gallery.calibration.comparisons import Comparisons
from aio_reid.gallery.calibration.held_out import report_open_set, report_pair, report_ranking


def test_stated_numbers_hold_on_other_people_of_the_same_kind() -> None:
    pair = fitted(normal_comparisons(1000, 40))
    found = normal_comparisons(1000, 40, seed=1)
    report = report_pair(pair, found)
    assert (report.num_matches, report.num_strangers) == (2000, 40_000)
    assert report.curve.error < 0.03 and report.auroc == pytest.approx(pair.quality.auroc, abs=0.01)
    for stated, observed in report.false_match_rates:
        assert observed == pytest.approx(stated, rel=0.5)
    # people who score otherwise than those who were calibrated on are found out
    others = normal_comparisons(1000, 40, seed=1, mean=0.45, strangers_at=0.35)
    assert report_pair(pair, others).curve.error > 0.1


def test_open_set_by_hand() -> None:
    pair = fitted(normal_comparisons(400, 30, mean=0.9))
    # person 0 is there and found, person 1 is there and missed, person 2 is not there: their 0.95 does not count
    scores = np.array([0.9, 0.1, 0.2, 0.1, 0.15, 0.2, 0.95, 0.3, 0.1], dtype=np.float32)
    is_match = np.array([1, 0, 0, 1, 0, 0, 1, 0, 0], dtype=bool)
    people = np.repeat(np.arange(3), 3)
    report = report_open_set(pair, Comparisons(scores, is_match, people, people), people == 2)
    assert (report.num_present, report.num_absent) == (2, 1)
    assert report.auroc == 0.5  # 0.9 beats the 0.3 of the absent one, 0.2 does not
    assert (report.found, report.mistaken) == (0.5, 0.0)
    # best hits: 0.9 is right, 0.2 and 0.3 are wrong, and stated to be nearly surely so
    assert report.best_hits.observed[-1] == 1.0 and report.best_hits.weight[-1] == pytest.approx(1 / 3)
    assert report.best_hits.observed[0] == 0.0 and report.best_hits.error < 0.05
    with pytest.raises(DataError, match="people who are not"):
        report_open_set(pair, Comparisons(scores, is_match, people, people), people == 9)


def test_open_set_of_known_distributions() -> None:
    pair = fitted(normal_comparisons(1000, 40, mean=0.75))
    found = normal_comparisons(1000, 40, seed=2, mean=0.75)
    report = report_open_set(pair, found, found.groups % 2 == 1)
    assert report.num_present == report.num_absent == 500
    assert report.found == pytest.approx(pair.rule.found, abs=0.05)
    assert report.mistaken == pytest.approx(pair.rule.mistaken, abs=0.05)
    assert report.auroc > 0.95 and report.best_hits.error < 0.1


def test_rankings_by_hand() -> None:
    # first query: matches at places 1 and 3, AP (1/1 + 2/3) / 2; second: at place 2, AP 1/2; third has none
    values = np.array([0.9, 0.1, 0.5, 0.7, 0.3, 0.8, 0.4])
    is_match = np.array([True, False, False, False, True, False, False])
    queries = np.array([0, 0, 0, 1, 1, 2, 2])
    is_match[1] = True
    report = report_ranking(values, is_match, queries)
    assert report.num_queries == 2 and report.rank1 == 0.5
    assert report.mean_ap == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2)
    with pytest.raises(DataError, match="no query has a match"):
        report_ranking(values, np.zeros(7, dtype=bool), queries)
