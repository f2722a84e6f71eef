"""CUHK03 by the new protocol (Li et al., CVPR 2014; split by Zhong et al., CVPR 2017): 1,467 persons in two views.

The boxes around persons are detected or labeled by hand: two data sets. Of each, two layouts below the root are read:

- the pictures `PAIR_PERSON_VIEW_NUMBER.png` extracted from the release to `images_detected` or `cuhk03_detected`, and
  `cuhk03_new_protocol_config_detected.mat` (labeled: the same with that word). Persons are 1 to 1467, as `labels` says.
- the packaging CUHK03-NP: `detected/{bounding_box_train,query,bounding_box_test}/PERSON_cVIEW_NUMBER.png`, in the root
  or in `cuhk03-np`. Persons are the numbers in the file names. Read only where there is no .mat file.
"""

from __future__ import annotations

import re
from pathlib import Path

from aio_reid.datasets.counts import count_photo_splits, name_records
from aio_reid.datasets.files import find_home, match_files
from aio_reid.datasets.matlab import read_mat, texts, whole_numbers
from aio_reid.datasets.pictures import keep_present, leads_out
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

TITLE = "CUHK03-NP"
_TEST = {"test persons": 700, "query pictures": 1_400}
PUBLISHED_DETECTED = {"train persons": 767, "train pictures": 7_365, **_TEST, "gallery pictures": 5_332}
PUBLISHED_LABELED = {"train persons": 767, "train pictures": 7_368, **_TEST, "gallery pictures": 5_328}
_FOLDERS = {"bounding_box_train": Split.TRAIN, "query": Split.QUERY, "bounding_box_test": Split.GALLERY}
_PACKAGES = ("cuhk03-np", "CUHK03-NP")
_PICTURE = re.compile(r"(\d+)_c([12])_.*")


def parse_detected(root: Path) -> list[Record]:
    """Return the detected boxes of training, query and gallery, in this order; the camera is the view, "1" or "2".

    Pictures that the split names but the copy lacks are left out, and the name then carries the counts.

    Raises:
        DataError: files are missing or damaged, a name does not fit, or there is more than was published.
    """
    return _parse(root, "detected", PUBLISHED_DETECTED)


def parse_labeled(root: Path) -> list[Record]:
    """Return the boxes labeled by hand; otherwise as `parse_detected`."""
    return _parse(root, "labeled", PUBLISHED_LABELED)


def _parse(root: Path, boxes: str, published: dict[str, int]) -> list[Record]:
    name = f"cuhk03-np-{boxes}"
    split_file = root / f"cuhk03_new_protocol_config_{boxes}.mat"
    if not any(path.exists() for path in (split_file, *(root / folder / boxes for folder in ("", *_PACKAGES)))):
        raise DataError(
            f"{root} is no copy of {TITLE}: it lacks {split_file.name!r} or {boxes!r}; give the folder that holds one"
        )
    records = _parse_split_file(split_file, name, boxes) if split_file.exists() else _parse_folders(root, name, boxes)
    return name_records(records, name, published, count_photo_splits(records), root)


def _parse_split_file(path: Path, name: str, boxes: str) -> list[Record]:
    folders = [path.parent / word for word in (f"images_{boxes}", f"cuhk03_{boxes}", boxes)]
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        raise DataError(
            f"{path.parent} lacks the folder of pictures; extract them to {folders[0].name!r} beside {path}"
        )
    splits = {"train_idx": Split.TRAIN, "query_idx": Split.QUERY, "gallery_idx": Split.GALLERY}
    content = read_mat(path, ("filelist", "labels", "camId", *splits))
    files = texts(path, "filelist", content["filelist"])
    numbers = {word: whole_numbers(path, word, content[word]) for word in ("labels", "camId", *splits)}
    persons, views = numbers["labels"], numbers["camId"]
    if strays := [file for file in files if leads_out(file)]:
        raise DataError(f"{path}: 'filelist' names {strays[0]!r:.80}, which leads out of {folder}; download it again")
    records = []
    for variable, split in splits.items():
        rows = [number - 1 for number in numbers[variable]]  # MATLAB counts from 1
        if min(rows, default=0) < 0 or max(rows, default=-1) >= min(len(files), len(persons), len(views)):
            raise DataError(f"{path}: {variable!r} points outside the list of files; download it again")
        for picture, row in keep_present(folder, sorted((files[row], row) for row in rows)):
            records.append(Record(name, split, Modality.RGB, str(persons[row]), str(views[row]), picture))
    return records


def _parse_folders(root: Path, name: str, boxes: str) -> list[Record]:
    home = find_home(root, [f"{boxes}/{folder}" for folder in _FOLDERS], _PACKAGES, TITLE)
    return [
        Record(name, split, Modality.RGB, match[1], match[2], path)
        for folder, split in _FOLDERS.items()
        for path, match in match_files(home / boxes / folder, _PICTURE, ".png", TITLE)
    ]
