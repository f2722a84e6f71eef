"""MSMT17 (Wei et al., CVPR 2018): 4,101 persons by fifteen cameras, indoors and outdoors, in four days.

Layout below the root, or below `MSMT17_V1` or `MSMT17_V2` in it: the pictures in `train` and `test` (V1, faces visible)
or `mask_train_v2` and `mask_test_v2` (V2, faces masked), called `PERSON/PERSON_NUMBER_CAMERA_TIME_FRAME_BOX.jpg`, and
`list_{train,val,query,gallery}.txt` with lines "PICTURE PERSON". The two releases give different scores: the records
say which it is.

Person ids are those of the lists. They begin at 0 in training and again in testing: "0" of the splits train and val and
"0" of query and gallery are two people, and both are real. No protocol uses training and testing together.
"""

from __future__ import annotations

from pathlib import Path

from aio_reid.datasets.counts import count_persons, count_pictures, name_records
from aio_reid.datasets.files import find_home, read_index
from aio_reid.datasets.pictures import keep_present
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

NAME = "msmt17"
TITLE = "MSMT17"
PUBLISHED = {
    "train and val persons": 1_041,
    "train and val pictures": 32_621,
    "test persons": 3_060,
    "query pictures": 11_659,
    "gallery pictures": 82_161,
}
RELEASES = {"v1": ("train", "test"), "v2": ("mask_train_v2", "mask_test_v2")}
_LISTS = tuple(f"list_{split}.txt" for split in Split)


def parse(root: Path) -> list[Record]:
    """Return the pictures of training, validation, query and gallery, in this order, each ordered by path.

    The data set is called "msmt17-v1" or "msmt17-v2"; pictures that a list names but the copy lacks are left out, and
    the name then carries the counts.

    Raises:
        DataError: folders or lists are missing, both releases are there, a line does not fit, or there is more than was
            published.
    """
    home, release = _find_release(root)
    train, test = RELEASES[release]
    records = []
    for split in Split:
        folder = home / (train if split in (Split.TRAIN, Split.VAL) else test)
        for path, person in keep_present(folder, read_index(home / f"list_{split}.txt")):
            records.append(Record(NAME, split, Modality.RGB, person, _camera(path), path))
    counts = {
        "train and val persons": count_persons(records, Split.TRAIN, Split.VAL),
        "train and val pictures": count_pictures(records, Split.TRAIN) + count_pictures(records, Split.VAL),
        "test persons": count_persons(records, Split.QUERY, Split.GALLERY),
        "query pictures": count_pictures(records, Split.QUERY),
        "gallery pictures": count_pictures(records, Split.GALLERY),
    }
    return name_records(records, f"{NAME}-{release}", PUBLISHED, counts, root)


def _find_release(root: Path) -> tuple[Path, str]:
    found = [
        (home, release)
        for home in (root, root / "MSMT17_V1", root / "MSMT17_V2")
        for release, folders in RELEASES.items()
        if all((home / name).is_dir() for name in folders)
    ]
    if len(found) > 1:
        raise DataError(
            f"{root} holds {len(found)} releases of {TITLE}; give the folder of one, MSMT17_V1 or MSMT17_V2"
        )
    if not found:
        raise DataError(
            f"{root} is no copy of {TITLE}; give the folder that holds 'train' and 'test' (V1), or 'mask_train_v2' and "
            "'mask_test_v2' (V2), beside the four lists"
        )
    return find_home(found[0][0], _LISTS, (), TITLE), found[0][1]


def _camera(path: Path) -> str:
    fields = path.stem.split("_")
    if len(fields) < 3 or not fields[2].isdecimal():
        raise DataError(f"{path} is not called as {TITLE} calls its files (PERSON_NUMBER_CAMERA_...); correct the list")
    return fields[2]
