"""CUHK-PEDES (Li et al., CVPR 2017): about two sentences on each of 40,206 photos of 13,003 persons.

Layout below the root (CUHK-PEDES): `reid_raw.json`, and `imgs/` with the folders of the sets that the photos are from.
"""

from __future__ import annotations

from pathlib import Path

from aio_reid.datasets.captioned import TextSet, parse_text_set
from aio_reid.records import Record

NAME = "cuhk-pedes"
TITLE = "CUHK-PEDES"
PUBLISHED = {
    "persons": 13_003,
    "train photos": 34_054,
    "val photos": 3_078,
    "test photos": 3_074,
    "captions": 80_440,
}
"""The sum of the captions is 68,126 + 6,158 + 6,156: some photos have more than the two that papers multiply by."""

LAYOUT = TextSet(
    NAME, PUBLISHED, ("reid_raw.json",), others=(("caption_all.json", "an older annotation without the split"),)
)


def parse(root: Path) -> list[Record]:
    """Return the records as `parse_text_set` orders them; the data set is called "cuhk-pedes", with counts if partial.

    Raises:
        DataError: as `parse_text_set`.
    """
    return parse_text_set(root, LAYOUT)
