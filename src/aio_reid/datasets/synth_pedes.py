"""SYNTH-PEDES (Zuo et al., PLIP, 2023): sentences by a machine on 4,791,771 photos of 312,321 persons; for training.

Layout below the root (SYNTH-PEDES): `synthpedes_dataset.json` and `Part1/` to `Part11/`, with a folder for each person.
"""

from __future__ import annotations

from pathlib import Path

from aio_reid.datasets.captioned import caption_records, count_photos, photo_records, read_photos
from aio_reid.datasets.counts import name_copy
from aio_reid.errors import DataError
from aio_reid.records import Record

NAME = "synth-pedes"
TITLE = "SYNTH-PEDES"
PUBLISHED = {"persons": 312_321, "photos": 4_791_771, "captions": 12_138_157}


def parse(root: Path) -> list[Record]:
    """Return the photos, then the captions, in the order of the annotation and all of the split train.

    The archive comes in parts: photos of parts that are not there are left out, and the name of the data set says how
    many of everything remain. Within a part no photo is looked for, which would take longer than all else: one that
    is missing shows when it is read. All of it makes 17 million records; count on 8 GB of memory.

    Raises:
        DataError: the annotation cannot be read, an entry is wrong, no part is there, or there is more than was
            published.
    """
    parts = {path.name for path in root.glob("Part*") if path.is_dir()}
    if not parts:
        raise DataError(f"there is no folder 'Part1' to 'Part11' in {root}; give the folder that holds them")
    entries = read_photos(root / "synthpedes_dataset.json", has_splits=False)
    photos = [photo for photo in entries if photo.path.split("/", 1)[0] in parts]
    del entries
    counts = count_photos(photos)
    dataset = name_copy(NAME, PUBLISHED, {key: counts[key] for key in PUBLISHED}, root)
    records = list(photo_records(dataset, root, photos))
    records.extend(caption_records(dataset, photos))
    return records
