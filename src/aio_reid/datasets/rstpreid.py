"""RSTPReid (Zhu et al., ACM Multimedia 2021): two sentences on each of 20,505 photos, five of each of 4,101 persons.

Layout below the root (RSTPReid): `data_captions.json`, whose path is called "img_path", and `imgs/` without folders.
"""

from __future__ import annotations

from pathlib import Path

from aio_reid.datasets.captioned import TextSet, parse_text_set
from aio_reid.records import Record

NAME = "rstpreid"
TITLE = "RSTPReid"
PUBLISHED = {
    "persons": 4_101,
    "train photos": 18_505,
    "val photos": 1_000,
    "test photos": 1_000,
    "captions": 41_010,
}
LAYOUT = TextSet(NAME, PUBLISHED, ("data_captions.json",), picture_key="img_path")


def parse(root: Path) -> list[Record]:
    """Return the records as `parse_text_set` orders them; the data set is called "rstpreid", with counts if partial.

    Raises:
        DataError: as `parse_text_set`.
    """
    return parse_text_set(root, LAYOUT)
