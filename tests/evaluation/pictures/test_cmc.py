"""CMC curves, read back from the drawing."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import numpy as np
import pytest
from picture_fakes import SVG

from aio_reid.errors import DataError
from aio_reid.evaluation.pictures.cmc import (
    BOTTOM,
    LABEL_GAP,
    LEFT,
    PANEL,
    RIGHT,
    TOP,
    Curve,
    cmc_curve,
    cmc_svg,
    spread_labels,
)
from aio_reid.evaluation.scores import NOT_SCORED, QueryOutcome, RetrievalScores, summarise
from aio_reid.evaluation.trials import average


def scores(seed: int, num: int = 40) -> RetrievalScores:
    ranks = np.random.default_rng(seed).integers(0, 30, num)
    outcomes = [QueryOutcome(int(rank), 0.5, 0.5) if rank else NOT_SCORED for rank in ranks]
    return summarise(outcomes, num_gallery=30, ranks=range(1, 21))


def read_curves(svg: str) -> list[list[tuple[float, float]]]:
    """Return [curve][point] (k, share), from units of the drawing."""
    found = []
    for line in ElementTree.fromstring(svg).iter(f"{SVG}polyline"):
        places = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        found.append([(1 + 19 * (x - LEFT) / (RIGHT - LEFT), (BOTTOM - y) / (BOTTOM - TOP)) for x, y in places])
    return found


def test_points_are_the_scores() -> None:
    of_tasks = [scores(seed) for seed in range(3)]
    svg = cmc_svg([Curve(f"task {n}", cmc_curve([one])) for n, one in enumerate(of_tasks)])
    for points, one in zip(read_curves(svg), of_tasks, strict=True):
        assert [round(k, 3) for k, _ in points] == list(range(1, 21))
        assert [share for _, share in points] == pytest.approx(list(one.rank.values()), abs=1e-4)


def test_of_trials_the_mean_is_drawn() -> None:
    trials = [scores(1, 10), scores(2, 50)]
    assert cmc_curve(trials).tolist() == pytest.approx(list(average(trials).rank.values()))


def test_every_curve_is_labelled_and_panels_hold_eight() -> None:
    curves = [
        Curve(f"task {n}, {'late' if n % 2 else 'early'} fusion", cmc_curve([scores(n)]), n % 2 == 1) for n in range(19)
    ]
    root = ElementTree.fromstring(cmc_svg(curves))
    panels = list(root.findall(f"{SVG}g"))
    assert [len(list(panel.iter(f"{SVG}polyline"))) for panel in panels] == [8, 8, 3]
    assert root.attrib["viewBox"].split()[3] == str(3 * PANEL)
    assert [panel.attrib["transform"] for panel in panels] == [f"translate(0 {n * PANEL})" for n in range(3)]
    for panel in panels:
        labels = [label for label in panel.iter(f"{SVG}text") if label.attrib["class"] == "ink"]
        heights = sorted(float(label.attrib["y"]) for label in labels)
        assert all(low + LABEL_GAP - 0.02 <= high for low, high in itertools.pairwise(heights))
        assert heights[0] >= TOP and heights[-1] <= BOTTOM + 0.01
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert all(curve.label in texts for curve in curves) and "Curves 17 to 19 of 19" in texts
    dashed = [bool(line.get("stroke-dasharray")) for line in root.iter(f"{SVG}polyline")]
    assert dashed == [curve.is_dashed for curve in curves]


def test_a_drawing_says_in_words_what_it_shows() -> None:
    root = ElementTree.fromstring(cmc_svg([Curve("<script>&", np.linspace(0.25, 0.75, 20))]))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None and description is not None and description.text is not None
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]
    assert "<script>&: 25.0 at rank 1, 75.0 at rank 20." in description.text
    assert not list(root.iter(f"{SVG}script"))


def test_long_labels_are_cut_where_they_stand_and_whole_where_a_mouse_asks() -> None:
    label = "visible to infrared, as the published code has it"
    root = ElementTree.fromstring(cmc_svg([Curve(label, np.zeros(20))]))
    assert next(text.text for text in root.iter(f"{SVG}text") if text.attrib["class"] == "ink") == label[:37] + "…"
    assert any((title.text or "").startswith(label) for title in root.iter(f"{SVG}title"))


def test_labels_stay_near_their_ends() -> None:
    assert spread_labels([10, 100], 17, 0, 300) == [10, 100]
    assert spread_labels([100, 100, 100], 10, 0, 300) == [100, 110, 120]
    assert spread_labels([299, 300, 298], 10, 0, 300) == [290, 300, 280]
    assert spread_labels([5, 5], 10, 0, 12) == [2, 12]
    assert spread_labels([0, 0, 0], 10, 0, 12) == [0, 10, 20]


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(DataError, match="curves of no values"):
        cmc_svg([])
    with pytest.raises(DataError, match=r"curves of \[3, 4\] values"):
        cmc_svg([Curve("a", np.zeros(3)), Curve("b", np.zeros(4))])
