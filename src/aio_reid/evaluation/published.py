"""Figures that others report of AIO, to stand beside ours and never in their place; in percent, as printed.

None of them could be read in the paper itself. A mark says where each comes from; its words stand below the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a figure comes from: a letter for the cell, and the words for the note."""

    letter: str
    words: str


@dataclass(frozen=True, slots=True)
class Published:
    """One figure.

    Attributes:
        task: the row of our protocol's table that it stands beside.
        rank1_percent: Rank-1.
        mark: its source.
        remark: what is not known of it, or differs from ours.
    """

    task: str
    rank1_percent: float
    mark: Mark
    remark: str


SECONDARY = Mark("a", "AIO (Li et al., CVPR 2024), Rank-1, as reported by secondary sources; the paper was not read")
LATER = Mark("b", "AIO as another paper reports it: KTCAA, AAAI 2026, table 1")

FIGURES: Mapping[str, tuple[Published, ...]] = {
    "market1501": (Published("photo to photo", 79.6, SECONDARY, "zero-shot"),),
    "sysu-mm01": (
        Published("all search, single shot", 57.6, SECONDARY, "zero-shot; whether all or indoor search is not known"),
    ),
    "pku-sketch-50": (Published("sketch to photo", 70.2, SECONDARY, "zero-shot; its split is not known"),),
    "cuhk-pedes": (Published("text to photo", 53.4, SECONDARY, "zero-shot"),),
    "tri-cuhk-pedes": (Published("sketch + text to photo", 92.1, SECONDARY, "its protocol is not known"),),
    "market-sketch-1k": (
        Published(
            "sketch to photo, all styles",
            15.4,
            LATER,
            "trained on this set alone, so not zero-shot; mAP 13.9",
        ),
    ),
}
"""Row of the suite -> figures."""

OTHERS = (
    "AIO with several modalities, Rank-1: R + T 56.5, R + I + T 57.8, R + I + S + T 58.6, as reported by secondary "
    "sources. Data set and protocol are not known, so that no row here can be compared with them."
)
"""Figures that stand beside no row."""
