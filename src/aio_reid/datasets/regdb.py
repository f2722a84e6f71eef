"""RegDB (Nguyen et al., Sensors 2017): 412 persons, ten visible and ten thermal pictures of each.

Layout below the root, or below `RegDB` in it: `{Visible,Thermal}/PERSON/NAME.bmp` and, for each of ten random halvings
(trials), `idx/{train,test}_{visible,thermal}_TRIAL.txt` with lines "PICTURE LABEL". The labels of those files are
numbered anew in each: label 0 of a training list and of a test list are two people. The records' person ids are the
folders.
"""

from __future__ import annotations

import re
from pathlib import Path

from aio_reid.datasets.counts import count_infrared_splits, name_records
from aio_reid.datasets.files import find_home, read_index
from aio_reid.datasets.pictures import keep_present
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

NAME = "regdb"
TITLE = "RegDB"
NUM_TRIALS = 10
PUBLISHED = {
    "trials": NUM_TRIALS,
    "train persons": 206,
    "train photos": 2_060,
    "train infrared": 2_060,
    "test persons": 206,
    "gallery photos": 2_060,
    "query infrared": 2_060,
}
"""Of every trial; training and testing together are the whole data set."""

_LISTS = {
    "train_visible": (Split.TRAIN, Modality.RGB),
    "train_thermal": (Split.TRAIN, Modality.INFRARED),
    "test_visible": (Split.GALLERY, Modality.RGB),
    "test_thermal": (Split.QUERY, Modality.INFRARED),
}
_PICTURE = re.compile(r"[^/]+/(\d{1,9})/[^/]+")


def parse(root: Path) -> list[Record]:
    """Return the pictures of the first trial: see `parse_trials`, of which the other lists may be missing here.

    Raises:
        DataError: as `parse_trials`.
    """
    return _parse_trial(root, 1)


def parse_trials(root: Path) -> list[list[Record]]:
    """Return the pictures of each of the ten trials, training before testing, visible before thermal, by person, name.

    Test photos have the split gallery, test thermal pictures query. There are no cameras beside the two modalities.
    Pictures that a list names but the copy lacks are left out, and the name then carries the counts.

    Raises:
        DataError: folders or lists are missing, a line does not fit, or there is more than was published.
    """
    return [_parse_trial(root, trial) for trial in range(1, NUM_TRIALS + 1)]


def _parse_trial(root: Path, trial: int) -> list[Record]:
    home = find_home(root, ("Visible", "Thermal", "idx"), ("RegDB",), TITLE)
    records = []
    for name, (split, modality) in _LISTS.items():
        listed = [(_person(picture), picture) for picture, _ in read_index(home / "idx" / f"{name}_{trial}.txt")]
        for path, person in keep_present(home, [(picture, person) for person, picture in sorted(listed)]):
            records.append(Record(NAME, split, modality, str(person), image_path=path))
    trials = [
        t for t in range(1, NUM_TRIALS + 1) if all((home / "idx" / f"{name}_{t}.txt").exists() for name in _LISTS)
    ]
    counts = {"trials": len(trials), **count_infrared_splits(records, Split.TRAIN)}
    return name_records(records, NAME, PUBLISHED, counts, root)


def _person(picture: str) -> int:
    match = _PICTURE.fullmatch(picture)
    if match is None:
        raise DataError(f"{TITLE}: its lists name {picture!r:.80}, not Visible/PERSON/NAME.bmp; download them again")
    return int(match[1])
