"""LLCM (Zhang and Wang, CVPR 2023): 1,064 persons in low light, in colour and infrared, at nine places.

Layout below the root, or below `LLCM` in it: `{vis,nir}/PERSON/NAME.jpg` for training, named by the lists
`idx/train_{vis,nir}.txt` (lines "PICTURE LABEL"); `test_{vis,nir}/camCAMERA/PERSON/NAME.jpg` for the persons of
`idx/test_id.txt` (one line of numbers). Pictures are called `PERSON_cCAMERA_sTIME_fNUMBER_{vis,nir}.jpg`.

Camera and person are read from the part of a path below the root only: the root itself may contain "cam".
"""

from __future__ import annotations

import re
from pathlib import Path

from aio_reid.datasets.counts import count_infrared_splits, name_records
from aio_reid.datasets.files import find_home, list_files, read_ids, read_index
from aio_reid.datasets.pictures import keep_present
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

NAME = "llcm"
TITLE = "LLCM"
PUBLISHED = {
    "train persons": 713,
    "train photos": 16_946,
    "train infrared": 13_975,
    "test persons": 351,
    "gallery photos": 8_680,
    "query infrared": 7_166,
}
"""The release agreement's 13,909 test pictures are a misprint: its own totals leave 15,846."""

CAMERAS = range(1, 10)
_TEST = {"vis": (Split.GALLERY, Modality.RGB), "nir": (Split.QUERY, Modality.INFRARED)}
_WANTED = ("vis", "nir", "test_vis", "test_nir", "idx/train_vis.txt", "idx/train_nir.txt", "idx/test_id.txt")
_PICTURE = re.compile(r"(\d{4})_c(\d{2})_.*")


def parse(root: Path) -> list[Record]:
    """Return training pictures by name, then test pictures by person, camera, name; visible before infrared in both.

    Person ids are those of the folders ("0003"), cameras "1" to "9", shared by the two sensors of a place. Test photos
    have the split gallery, test infrared frames query. The name of a partial copy carries its counts.

    Raises:
        DataError: folders or lists are missing, a line or name does not fit, or there is more than was published.
    """
    home = find_home(root, _WANTED, ("LLCM",), TITLE)
    records = [*_read_train(home), *_read_test(home)]
    return name_records(records, NAME, PUBLISHED, count_infrared_splits(records, Split.TRAIN), root)


def _read_train(home: Path) -> list[Record]:
    records = []
    for sensor, (_, modality) in _TEST.items():
        for path, _ in keep_present(home, read_index(home / "idx" / f"train_{sensor}.txt")):
            match = _PICTURE.fullmatch(path.stem)
            if match is None:
                raise DataError(
                    f"{path} is not called as {TITLE} calls its files ({_PICTURE.pattern}); correct the list"
                )
            records.append(Record(NAME, Split.TRAIN, modality, match[1], str(int(match[2])), path))
    return records


def _read_test(home: Path) -> list[Record]:
    persons = [f"{person:04d}" for person in read_ids(home / "idx" / "test_id.txt")]
    return [
        Record(NAME, split, modality, person, str(camera), path)
        for sensor, (split, modality) in _TEST.items()
        for person in persons
        for camera in CAMERAS
        for path in list_files(home / f"test_{sensor}" / f"cam{camera}" / person, ".jpg")
    ]
