"""Maps, tails and the rule of presence against distributions whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from known_scores import DEVIATION, MATCH_MEAN, STRANGER_MEAN, normal_comparisons, true_log_ratio
from scipy.stats import beta as beta_distribution
from scipy.stats import genpareto, norm

from aio_reid.errors import DataError
from aio_reid.gallery.calibration.comparisons import LEAST_STRANGERS, NUM_FOLDS, Comparisons, binned, check_enough
from aio_reid.gallery.calibration.fit import fit_pair
from aio_reid.gallery.calibration.maps import FAMILIES, fit_beta, fit_isotonic, fit_platt
from aio_reid.gallery.calibration.pair import LABELLED, TRACKS, PairCalibration, Pairing, from_json, to_json
from aio_reid.gallery.calibration.presence import UNTRIED_LIMIT, Bests, choose_rule, expected_bests
from aio_reid.gallery.calibration.tail import Pareto, fit_pareto, fit_tail
from aio_reid.records import Modality

PHOTO = Pairing((Modality.RGB,), Modality.RGB)


def fitted(found: Comparisons, *, share: float = 0.05, origin: str = LABELLED) -> PairCalibration:
    return fit_pair(found, PHOTO, fusion="late", origin=origin, weights_hash="a" * 64, share=share)


@pytest.mark.parametrize("share", [0.5, 0.01])
def test_platt_finds_the_line_of_two_normals(share: float) -> None:
    counts = binned(normal_comparisons(4000, 40))
    found = fit_platt(counts.scores, counts.matches.sum(axis=0), counts.strangers.sum(axis=0), share)
    scores = np.linspace(0.2, 0.7, 6)
    np.testing.assert_allclose(found.log_ratio(scores), true_log_ratio(scores), atol=0.5)


def test_beta_finds_the_ratio_of_two_betas() -> None:
    rng = np.random.default_rng(3)
    p_match, p_stranger = rng.beta(12, 4, 20_000), rng.beta(5, 6, 200_000)
    people = np.arange(20_000)
    found = Comparisons(
        (2 * np.concatenate([p_match, p_stranger]) - 1).astype(np.float32),
        np.arange(220_000) < 20_000,
        np.concatenate([people, np.resize(people, 200_000)]),
        np.concatenate([people, np.resize(people, 200_000)]),
    )
    counts = binned(found)
    best = fit_beta(counts.scores, counts.matches.sum(axis=0), counts.strangers.sum(axis=0), 0.5)
    p = np.linspace(0.3, 0.9, 7)
    truth = beta_distribution.logpdf(p, 12, 4) - beta_distribution.logpdf(p, 5, 6)
    np.testing.assert_allclose(best.log_ratio(2 * p - 1), truth, atol=0.15)
    losses = fitted(found, share=0.5).quality.log_losses
    assert losses["beta"] < losses["platt"]  # the line does not fit these, and held-out people tell


def test_isotonic_pools_by_hand() -> None:
    # shares of matches 0/2, 3/4, 1/4, 4/4: the second falls to the third, so both are one pool of 4/8
    scores = np.array([0.1, 0.2, 0.4, 0.5])
    found = fit_isotonic(scores, np.array([0.0, 3.0, 1.0, 4.0]), np.array([2.0, 1.0, 3.0, 0.0]), 0.5)
    ratios = [np.log((m + 0.5) / 9 / ((n + 0.5) / 7)) for m, n in ((0, 2), (4, 4), (4, 0))]
    np.testing.assert_allclose(found.log_ratios, ratios)
    weights = np.array([3 / 8 + 1 / 6, 1 / 8 + 3 / 6])
    np.testing.assert_allclose(found.scores, [0.1, np.average([0.2, 0.4], weights=weights), 0.5])
    assert found.log_ratio(np.array(-1.0)) == pytest.approx(ratios[0])


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("kind", ["normal", "separable", "reversed", "equal"])
def test_no_map_falls_or_leaves_the_numbers(family: str, kind: str) -> None:
    means = {"normal": (0.6, 0.2), "separable": (0.95, -0.5), "reversed": (0.1, 0.6), "equal": (0.3, 0.3)}[kind]
    counts = binned(normal_comparisons(300, 10, mean=means[0], strangers_at=means[1]))
    found = FAMILIES[family](counts.scores, counts.matches.sum(axis=0), counts.strangers.sum(axis=0), 0.01)
    ratios = found.log_ratio(np.linspace(-1, 1, 500))
    assert np.isfinite(ratios).all() and (np.diff(ratios) >= -1e-9).all()
    if kind == "reversed":  # scores that tell the wrong way tell nothing
        assert abs(ratios[-1] - ratios[0]) < 1.0


def test_pareto_of_known_distributions() -> None:
    n = 20_001
    places = (np.arange(n) + 0.5) / n
    exponential, uniform = fit_pareto(-np.log(1 - places)), fit_pareto(places)
    assert exponential.shape == pytest.approx(0.0, abs=0.01) and exponential.scale == pytest.approx(1.0, abs=0.01)
    assert uniform.shape == pytest.approx(-1.0, abs=0.01) and uniform.scale == pytest.approx(1.0, abs=0.01)
    for shape in (-0.4, 0.2):
        drawn = fit_pareto(genpareto.rvs(shape, scale=0.3, size=50_000, random_state=1))
        assert drawn.shape == pytest.approx(shape, abs=0.03) and drawn.scale == pytest.approx(0.3, rel=0.03)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.2])
def test_pareto_survival_is_that_of_scipy(shape: float) -> None:
    x = np.linspace(0, 5, 50)
    np.testing.assert_allclose(Pareto(shape, 0.7).survival(x), genpareto.sf(x, shape, scale=0.7), atol=1e-12)


def test_tail_follows_the_true_rate_and_never_goes_below_one_of_n() -> None:
    strangers = np.random.default_rng(4).normal(STRANGER_MEAN, DEVIATION, 200_000).astype(np.float32)
    tail = fit_tail(strangers)
    for truth in (0.5, 0.1, 0.01, 1e-3, 1e-4):
        score = norm.isf(truth, STRANGER_MEAN, DEVIATION)
        assert float(tail.rate(np.array(score))) == pytest.approx(truth, rel=0.25), truth
    rates = tail.rate(np.linspace(-1, 1, 1000))
    assert (np.diff(rates) <= 1e-12).all() and rates[0] == 1.0
    assert rates[-1] == 1 / 200_000 == tail.least_rate


@pytest.mark.parametrize("kind", ["all equal", "two values", "few"])
def test_tail_of_scores_without_a_tail(kind: str) -> None:
    rng = np.random.default_rng(5)
    scores = {
        "all equal": np.full(300, 0.3),
        "two values": np.repeat([0.1, 0.5], [250, 50]),
        "few": rng.normal(size=LEAST_STRANGERS) / 10,
    }[kind].astype(np.float32)
    tail = fit_tail(scores)
    for score in np.unique(scores)[-20:]:
        counted = np.mean(scores >= score)
        assert float(tail.rate(np.array(float(score)))) == pytest.approx(counted, abs=2.5 / len(scores))
    assert float(tail.rate(np.array(0.9))) == pytest.approx(1 / len(scores), rel=2)


def test_folds_hold_people_together_and_are_even() -> None:
    found = normal_comparisons(100, 5)
    of_person = found.folds.reshape(100, 7)
    assert (of_person == of_person[:, :1]).all()
    assert np.bincount(of_person[:, 0], minlength=NUM_FOLDS).tolist() == [20] * NUM_FOLDS
    counts = binned(found)
    assert counts.matches.sum() == 200 and counts.strangers.sum() == 500


@pytest.mark.parametrize(
    ("people", "strangers", "line"),
    [
        (9, 50, "18 comparisons of matches, at least 20 are needed"),
        (12, 5, "60 comparisons with strangers, at least 200 are needed"),
    ],
)
def test_too_few_comparisons_are_refused_with_their_number(people: int, strangers: int, line: str) -> None:
    with pytest.raises(DataError, match=line):
        check_enough(normal_comparisons(people, strangers))


def test_many_matches_of_few_people_are_refused() -> None:
    found = normal_comparisons(40, 20)
    few = Comparisons(found.scores, found.is_match, found.queries, found.groups % 8)
    with pytest.raises(DataError, match="8 people with a match, at least 10 are needed"):
        check_enough(few)


def test_a_rule_by_hand() -> None:
    # at a limit between 0.2 and 0.5 all three of present and one of four absent pass: the best, 1 - 1/4
    rule = choose_rule(Bests(np.array([0.01, 0.02, 0.2]), np.array([0.15, 0.5, 2.0, 3.0])))
    assert rule.limit == pytest.approx(np.sqrt(0.2 * 0.5))
    assert (rule.found, rule.mistaken, rule.num_queries) == (1.0, 0.25, 3)
    assert choose_rule(Bests(np.empty(0), np.empty(0))).limit == UNTRIED_LIMIT


def test_bests_are_those_of_each_query() -> None:
    found = normal_comparisons(200, 50, mean=0.9)
    bests = expected_bests(found)
    assert len(bests.present) == len(bests.absent) == 200
    assert (bests.present <= bests.absent + 1e-12).all()
    # of 50 strangers the best is reached by one of them: the mean over queries is near 1
    assert 0.7 < np.exp(np.log(bests.absent).mean()) * np.exp(0.5772) < 1.4


def test_a_calibration_survives_json_and_holds_on_other_people() -> None:
    pair = fitted(normal_comparisons(1000, 40))
    assert from_json(to_json(pair)) == pair
    assert from_json(to_json(pair).replace('"format": 1', '"format": 2')) is None
    assert pair.quality.num_matches == 2000 and pair.quality.num_groups == 1000
    assert pair.quality.auroc == pytest.approx(norm.cdf((MATCH_MEAN - STRANGER_MEAN) / DEVIATION / 2**0.5), abs=0.01)
    assert pair.quality.calibration_error < 0.03
    assert set(pair.quality.log_losses) == set(FAMILIES)
    assert pair.score_map.family == min(pair.quality.log_losses, key=lambda name: pair.quality.log_losses[name])
    assert pair.rule.found > 0.85 and pair.rule.mistaken < 0.15


def test_a_ratio_is_never_beyond_what_was_seen_and_a_score_is_found_again() -> None:
    pair = fitted(normal_comparisons(100, 30))
    assert pair.bounded_ratio(1.0) == pytest.approx(np.log(3000)) and pair.log_ratio(1.0) > np.log(3000)
    assert pair.bounded_ratio(-1.0) == pytest.approx(-np.log(200))
    assert pair.score_of(pair.log_ratio(0.45)) == pytest.approx(0.45, abs=0.005)
    assert pair.score_of(1e9) == 1.0


def test_a_rule_that_was_not_tried_says_so() -> None:
    pair = fitted(normal_comparisons(100, 30), origin=TRACKS)
    assert (pair.rule.limit, pair.rule.num_queries) == (UNTRIED_LIMIT, 0)
