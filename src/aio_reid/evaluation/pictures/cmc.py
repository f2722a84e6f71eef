"""CMC curves as a drawing: the share of queries with a true match among the first k, for every k, one curve a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.evaluation.pictures.lists import TEMPLATES
from aio_reid.evaluation.scores import RetrievalScores
from aio_reid.pages.render import render
from aio_reid.pages.text import shown

LARGEST_K = 20
MOST_CURVES = 8
"""In one panel; a drawing has as many panels as it needs."""
WIDTH, PANEL = 880, 370  # of the drawing and the height of a panel, in units of the drawing
LEFT, RIGHT, TOP, BOTTOM = 56, 520, 30, 318  # of the axes, within a panel
LABEL_LEFT, LABEL_GAP = 580, 17
MOST_LETTERS = 38


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve to draw.

    Attributes:
        label: the task.
        values: (K,) float64, the share of queries with a match among the first 1, 2, .. K.
        is_dashed: as late fusion is drawn.
    """

    label: str
    values: NDArray[np.float64]
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class _DrawnCurve:
    number: int
    label: str
    short: str
    end: str
    points: str
    is_dashed: bool
    end_y: float
    label_y: float


@dataclass(frozen=True, slots=True)
class _Panel:
    top: int
    title: str
    curves: list[_DrawnCurve]


def cmc_curve(trials: Sequence[RetrievalScores], num_ranks: int = LARGEST_K) -> NDArray[np.float64]:
    """Return (num_ranks,) float64, rank-1 to rank-`num_ranks` as `RetrievalScores` has them, the mean over trials."""
    ks = np.arange(1, num_ranks + 1)
    curves = [(t.first_match[t.first_match > 0][:, None] <= ks).mean(axis=0) for t in trials]  # (num_ranks,) each
    mean: NDArray[np.float64] = np.mean(curves, axis=0)
    return mean


def cmc_svg(curves: Sequence[Curve]) -> str:
    """Return the drawing as SVG, at most `MOST_CURVES` curves in each panel, every curve labelled at its end.

    Raises:
        DataError: there are no curves, or they are not equally long, at least two values each.
    """
    lengths = {len(curve.values) for curve in curves}
    if len(lengths) != 1 or min(lengths) < 2:
        raise DataError(f"curves of {sorted(lengths) or 'no'} values cannot be drawn; give one or more of equal length")
    num_ranks = lengths.pop()
    parts = [curves[start : start + MOST_CURVES] for start in range(0, len(curves), MOST_CURVES)]
    panels = [
        _Panel(
            top=PANEL * number,
            title=f"Curves {MOST_CURVES * number + 1} to {MOST_CURVES * number + len(part)} of {len(curves)}"
            if len(parts) > 1
            else "",
            curves=_draw_curves(part, num_ranks),
        )
        for number, part in enumerate(parts)
    ]
    ranks = [1, *range(5, num_ranks + 1, 5)] if num_ranks >= 5 else list(range(1, num_ranks + 1))
    return render(
        TEMPLATES,
        "cmc.svg",
        width=WIDTH,
        height=PANEL * len(panels),
        axes={"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM, "labels": LABEL_LEFT},
        panels=panels,
        ticks_x=[(k, f"{_x(k, num_ranks):.1f}") for k in ranks],
        ticks_y=[(percent, f"{_y(percent / 100):.1f}") for percent in range(0, 101, 20)],
    )


def spread_labels(wanted: Sequence[float], gap: float, lowest: float, highest: float) -> list[float]:
    """Return places at least `gap` apart, in the order of the wanted ones and near to them, in [lowest, highest].

    Where they do not all fit, the first one is at `lowest` and the last ones lie beyond `highest`.
    """
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    places = [0.0] * len(wanted)
    limit = lowest
    for n in order:
        places[n] = limit = max(wanted[n], limit)
        limit += gap
    limit = highest
    for n in reversed(order):
        places[n] = min(places[n], limit)
        limit = places[n] - gap
    overhang = max(0.0, lowest - min(places, default=lowest))
    return [place + overhang for place in places]


def _draw_curves(curves: Sequence[Curve], num_ranks: int) -> list[_DrawnCurve]:
    ends = [_y(float(curve.values[-1])) for curve in curves]
    # Of curves that end at one place, the one that begins higher has the higher label.
    wanted = [end - 1e-3 * float(curve.values[0]) for end, curve in zip(ends, curves, strict=True)]
    places = spread_labels(wanted, LABEL_GAP, TOP + 4, BOTTOM)
    drawn = []
    for number, (curve, end, place) in enumerate(zip(curves, ends, places, strict=True)):
        label = shown(curve.label)
        points = [f"{_x(k, num_ranks):.2f},{_y(float(v)):.2f}" for k, v in enumerate(curve.values, start=1)]
        drawn.append(
            _DrawnCurve(
                number=number,
                label=label,
                short=label if len(label) <= MOST_LETTERS else label[: MOST_LETTERS - 1] + "…",
                end=f"{100 * curve.values[0]:.1f} at rank 1, {100 * curve.values[-1]:.1f} at rank {num_ranks}",
                points=" ".join(points),
                is_dashed=curve.is_dashed,
                end_y=end,
                label_y=place,
            )
        )
    return drawn


def _x(k: int, num_ranks: int) -> float:
    return LEFT + (RIGHT - LEFT) * (k - 1) / (num_ranks - 1)


def _y(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share
