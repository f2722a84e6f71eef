"""What scores say, in numbers and in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aio_reid.gallery.calibration.pair import PairCalibration
from aio_reid.gallery.calibration.presence import PresenceRule
from aio_reid.gallery.calibration.reading import Reading, probability_text, rate_text, strangers_text
from aio_reid.gallery.result import Evidence
from aio_reid.records import Modality

RGB, INFRARED = Modality.RGB, Modality.INFRARED


def test_too_few_known_strangers_are_no_proof_of_absence(pairs: list[PairCalibration]) -> None:
    reading = Reading({RGB: pairs[0]}, {RGB: 10_000_000}, 1.0)
    best = reading.evidence(RGB, 0.99)
    assert best is not None and best.is_least_rate and best.expected_strangers == pytest.approx(10_000_000 / 12_000)
    told = reading.presence(RGB, best)
    assert told.is_probable is None and "knows too few strangers" in told.text
    assert reading.presence(RGB, reading.evidence(RGB, 0.3) or best).is_probable is False
    assert reading.evidence(INFRARED, 0.5) is None


def test_a_rule_that_errs_too_often_tells_nothing(pairs: list[PairCalibration]) -> None:
    def told(rule: PresenceRule, score: float) -> bool | None:
        reading = Reading({RGB: replace(pairs[0], rule=rule)}, {RGB: 100}, 1.0)
        evidence = reading.evidence(RGB, score)
        assert evidence is not None
        return reading.presence(RGB, evidence).is_probable

    # finds 30 of 100 and is mistaken in 10 of 100: 3 of 4 times right that someone is there, 9 of 16 that nobody is
    careful = PresenceRule(1.0, 0.3, 0.1, 100)
    assert careful.share_right(is_present=True) == pytest.approx(3 / 4)
    assert careful.share_right(is_present=False) == pytest.approx(9 / 16)
    assert (told(careful, 0.9), told(careful, 0.3)) == (True, None)
    blind = PresenceRule(1.0, 0.5, 0.45, 100)
    assert (told(blind, 0.9), told(blind, 0.3)) == (None, None)
    untried = PresenceRule(1.0)
    assert (told(untried, 0.9), told(untried, 0.3)) == (True, False)


@pytest.mark.parametrize(
    ("rate", "is_least", "text"),
    [
        (0.025, False, "1 of 40 strangers scores"),
        (0.37, False, "37 of 100 strangers score"),
        (1 / 12_000, True, "fewer than 1 of 12,000 strangers score"),
    ],
)
def test_rates_in_words(rate: float, is_least: bool, text: str) -> None:
    evidence = Evidence(0.0, 0.5, rate, is_least, 1.0)
    assert strangers_text(evidence) == f"{text} this high" and text.startswith(rate_text(evidence))


def test_no_probability_is_certain() -> None:
    texts = [probability_text(Evidence(0.0, p, 0.5, False, 1.0)) for p in (1e-9, 0.123, 0.5, 1 - 1e-9)]
    assert texts == ["< 0.1 %", "12.3 %", "50.0 %", "> 99.9 %"]
