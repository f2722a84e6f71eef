"""Market-Sketch-1K (Lin et al., ACM Multimedia 2023): sketches of 996 persons of Market-1501 by six artists.

Layout below the root: `photo/{train,query}/PERSON_cCAMERA....jpg`, where `photo/query` is the gallery, and
`sketch/{A,...,F}/{train,query}/PERSON....jpg`; a person is the four digits that a name begins with.
"""

from __future__ import annotations

import re
from pathlib import Path

from aio_reid.datasets.counts import name_copy
from aio_reid.datasets.files import find_home, match_files
from aio_reid.records import Modality, Record, Split

NAME = "market-sketch-1k"
TITLE = "Market-Sketch-1K"
PUBLISHED = {"sketched persons": 996, "photos": 32_668}
"""The sketches are not counted: the paper says "over 4,763", and its number for style F is known to be wrong."""

STYLES = "ABCDEF"
_PHOTO = re.compile(r"(\d{4}|-1)_c(\d).*")
_SKETCH = re.compile(r"(\d{4}).*")


def parse(root: Path) -> list[Record]:
    """Return the photos (split train or gallery), then the sketches (train or query), each ordered by file name.

    The artist of a sketch is its `camera_id`, "A" to "F"; a photo has Market-1501's, "1" to "6". The authors give out a
    selection of Market-1501's photos, so that a data set with all photos has another name than one without. Nothing is
    left out: not the photos of the train split without a sketch, nor the gallery's "0000" and "-1", whom nobody drew.

    Raises:
        DataError: a folder is missing or has no pictures, a file name does not fit, or there is too much.
    """
    home = find_home(root, ("photo", "sketch"), (), TITLE)
    photos = [
        (path, name, split)
        for part, split in (("train", Split.TRAIN), ("query", Split.GALLERY))
        for path, name in match_files(home / "photo" / part, _PHOTO, ".jpg", TITLE)
    ]
    sketches = [
        (path, name, style, split)
        for part, split in (("train", Split.TRAIN), ("query", Split.QUERY))
        for style in STYLES
        for path, name in match_files(home / "sketch" / style / part, _SKETCH, ".jpg", TITLE)
    ]
    counts = {"sketched persons": len({name[1] for _, name, _, _ in sketches}), "photos": len(photos)}
    dataset = name_copy(NAME, PUBLISHED, counts, root)
    return [
        *(Record(dataset, split, Modality.RGB, name[1], name[2], path) for path, name, split in photos),
        *(Record(dataset, split, Modality.SKETCH, name[1], style, path) for path, name, style, split in sketches),
    ]
