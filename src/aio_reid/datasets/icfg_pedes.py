"""ICFG-PEDES (Ding et al., 2021): one sentence on each of 54,522 photos of 4,102 persons of MSMT17.

Layout below the root (ICFG-PEDES): `ICFG-PEDES.json` (called ICFG_PEDES.json in some copies) and `imgs/{train,test}/`.
These two folders are MSMT17's: which split a photo is of says the annotation alone. There is no validation split.
"""

from __future__ import annotations

from pathlib import Path

from aio_reid.datasets.captioned import TextSet, parse_text_set
from aio_reid.records import Record

NAME = "icfg-pedes"
TITLE = "ICFG-PEDES"
PUBLISHED = {"persons": 4_102, "train photos": 34_674, "test photos": 19_848, "captions": 54_522}
LAYOUT = TextSet(NAME, PUBLISHED, ("ICFG-PEDES.json", "ICFG_PEDES.json"))


def parse(root: Path) -> list[Record]:
    """Return the records as `parse_text_set` orders them; the data set is called "icfg-pedes", with counts if partial.

    Raises:
        DataError: as `parse_text_set`.
    """
    return parse_text_set(root, LAYOUT)
