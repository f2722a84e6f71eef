"""Market-1501 (Zheng et al., ICCV 2015): 1,501 persons by six cameras in front of a supermarket.

Layout below the root, or below `Market-1501-v15.09.15` in it: `bounding_box_train`, `query` and `bounding_box_test`
with pictures called `PERSON_cCAMERAsSEQUENCE_FRAME_BOX.jpg`. Person "-1" marks detections that are junk; they are left
out. Person "0000" marks background, which stays in the gallery as nobody's picture. `gt_bbox` and `gt_query` are not
used.
"""

from __future__ import annotations

import re
from pathlib import Path

from aio_reid.datasets.counts import count_photo_splits, name_records
from aio_reid.datasets.files import find_home, match_files
from aio_reid.records import Modality, Record, Split

NAME = "market1501"
TITLE = "Market-1501"
PUBLISHED = {
    "train persons": 751,
    "train pictures": 12_936,
    "test persons": 750,
    "query pictures": 3_368,
    "gallery pictures": 15_913,
}
"""As the files count: 13,115 pictures of test persons and 2,798 of the background (the project page says 2,793)."""

JUNK = "-1"
BACKGROUND = "0000"
_FOLDERS = {"bounding_box_train": Split.TRAIN, "query": Split.QUERY, "bounding_box_test": Split.GALLERY}
_PICTURE = re.compile(r"(-1|\d{4})_c([1-6])s\d+_\d+_\d+(?:\.jpg)?")


def parse(root: Path) -> list[Record]:
    """Return the pictures of training, query and gallery, in this order, each ordered by name.

    Person and camera are as in the file names. The name of a partial copy carries its counts.

    Raises:
        DataError: folders are missing or empty, a file name does not fit, or there is more than was published.
    """
    home = find_home(root, tuple(_FOLDERS), ("Market-1501-v15.09.15",), TITLE)
    records = [
        Record(NAME, split, Modality.RGB, match[1], match[2], path)
        for folder, split in _FOLDERS.items()
        for path, match in match_files(home / folder, _PICTURE, ".jpg", TITLE)
        if match[1] != JUNK
    ]
    return name_records(records, NAME, PUBLISHED, count_photo_splits(records, nobody=BACKGROUND), root)
