"""SYSU-MM01 (Wu et al., ICCV 2017): 491 persons by four colour cameras (1, 2, 4, 5) and two infrared ones (3, 6).

Layout below the root, or below `SYSU-MM01` in it: `camCAMERA/PERSON/NUMBER.jpg` with four digits for person and number,
and `exp/{train,val,test}_id.txt` (one line of numbers) or `.mat`. Folders of persons outside these lists are not used.
"""

from __future__ import annotations

from pathlib import Path

from aio_reid.datasets.counts import count_infrared_splits, name_records
from aio_reid.datasets.files import find_home, list_files, read_ids
from aio_reid.datasets.matlab import read_mat, whole_numbers
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

NAME = "sysu-mm01"
TITLE = "SYSU-MM01"
PUBLISHED = {
    "train persons": 296,
    "train photos": 20_284,
    "train infrared": 9_929,
    "val persons": 99,
    "val photos": 1_974,
    "val infrared": 1_980,
    "test persons": 96,
    "gallery photos": 6_775,
    "query infrared": 3_803,
}
"""What most papers train on is train and val together: 395 persons, 22,258 photos, 11,909 infrared frames."""

CAMERAS = {
    1: Modality.RGB,
    2: Modality.RGB,
    3: Modality.INFRARED,
    4: Modality.RGB,
    5: Modality.RGB,
    6: Modality.INFRARED,
}
_TEST = {Modality.RGB: Split.GALLERY, Modality.INFRARED: Split.QUERY}


def parse(root: Path) -> list[Record]:
    """Return the pictures of training, validation and testing, in this order, each by person, camera, name.

    Person ids are those of the folders ("0006"), cameras "1" to "6". Of the persons of the three lists, those without a
    photo or without an infrared frame are left out. Test photos have the split gallery, test infrared frames query. The
    name of a partial copy carries its counts.

    Raises:
        DataError: folders or lists are missing, a person stands in two lists, or there is more than was published.
    """
    home = find_home(root, ("exp", *(f"cam{camera}" for camera in CAMERAS)), ("SYSU-MM01",), TITLE)
    records, seen = [], set[int]()
    for part in ("train", "val", "test"):
        for person in _read_part(home / "exp" / f"{part}_id.txt"):
            if person in seen:
                raise DataError(
                    f"{home / 'exp'}: person {person} stands in two of the three lists; download them again"
                )
            seen.add(person)
            records += _read_person(home, person, part)
    counts = count_infrared_splits(records, Split.TRAIN, Split.VAL)
    return name_records(records, NAME, PUBLISHED, counts, root)


def _read_part(path: Path) -> list[int]:
    if path.exists():
        return read_ids(path)
    path = path.with_suffix(".mat")
    return sorted(whole_numbers(path, "id", read_mat(path, ("id",))["id"]))


def _read_person(home: Path, person: int, part: str) -> list[Record]:
    folder = f"{person:04d}"
    records = [
        Record(NAME, _TEST[kind] if part == "test" else Split(part), kind, folder, str(camera), path)
        for camera, kind in CAMERAS.items()
        for path in list_files(home / f"cam{camera}" / folder, ".jpg")
    ]
    return records if len({record.modality for record in records}) == 2 else []
