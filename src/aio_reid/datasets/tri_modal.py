"""Tri-CUHK-PEDES, Tri-ICFG-PEDES, Tri-RSTPReid (Chen et al., UNIReID, CVPR 2023): a machine-made sketch of every photo.

Layout below the root: that of the text-to-image set, and beside `imgs/` one folder more whose sketches are called as
their photos are: `imgs-sketch2/` for CUHK-PEDES, `imgs-sketch/` for the others. The annotations are unchanged.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from aio_reid.datasets import cuhk_pedes, icfg_pedes, rstpreid
from aio_reid.datasets.captioned import TextSet, parse_text_set
from aio_reid.records import Record


def _with_sketches(published: TextSet, folder: str, sketches: int) -> TextSet:
    counts = {**published.published, "sketches": sketches}
    return replace(published, name=f"tri-{published.name}", published=counts, sketches=folder)


TRI_CUHK_PEDES = _with_sketches(cuhk_pedes.LAYOUT, "imgs-sketch2", 40_206)
TRI_ICFG_PEDES = _with_sketches(icfg_pedes.LAYOUT, "imgs-sketch", 54_522)
TRI_RSTPREID = _with_sketches(rstpreid.LAYOUT, "imgs-sketch", 20_505)

PUBLISHED = {published.name: published.published for published in (TRI_CUHK_PEDES, TRI_ICFG_PEDES, TRI_RSTPREID)}


def parse_tri_cuhk_pedes(root: Path) -> list[Record]:
    """Return photos, sketches and captions of Tri-CUHK-PEDES, as `parse_text_set` orders them.

    Raises:
        DataError: as `parse_text_set`.
    """
    return parse_text_set(root, TRI_CUHK_PEDES)


def parse_tri_icfg_pedes(root: Path) -> list[Record]:
    """Return photos, sketches and captions of Tri-ICFG-PEDES, as `parse_text_set` orders them.

    Raises:
        DataError: as `parse_text_set`.
    """
    return parse_text_set(root, TRI_ICFG_PEDES)


def parse_tri_rstpreid(root: Path) -> list[Record]:
    """Return photos, sketches and captions of Tri-RSTPReid, as `parse_text_set` orders them.

    Raises:
        DataError: as `parse_text_set`.
    """
    return parse_text_set(root, TRI_RSTPREID)
