"""The two annotations of ORBench, read and checked; what becomes of them is in `orbench.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aio_reid.datasets.captioned import CaptionedPhoto, read_number, read_photos
from aio_reid.datasets.files import list_files
from aio_reid.datasets.json_lists import read_object
from aio_reid.datasets.pictures import check_pictures, leads_out
from aio_reid.errors import DataError

Entries = dict[str, list[list[str]]]
"""Key -> entries, each a person and then one item (path or sentence) for each part of the key."""


def read_train(path: Path) -> list[CaptionedPhoto]:
    """Read `train_annos.json`: the photos, by person and path; their paths are relative to the file's folder.

    Raises:
        DataError: the file cannot be read, an entry is wrong, a photo is missing or not in a folder of `vis`.
    """
    photos = sorted(
        read_photos(path, captions_key="caption", has_splits=False),
        key=lambda photo: (int(photo.person), photo.path),
    )
    for photo in photos:
        if len(photo.path.split("/")) != 3 or not photo.path.startswith("vis/"):
            raise DataError(f"{path}: file_path is {photo.path!r:.80}; it is vis/FOLDER/NAME.jpg in the published file")
    check_pictures(path.parent, (photo.path for photo in photos), path)
    return photos


def list_partners(root: Path, photos: Sequence[CaptionedPhoto], kinds: Sequence[str]) -> list[tuple[str, str, Path]]:
    """Return the other pictures of the persons in the photos: the kind ("nir", ...), the person, the file.

    They are linked by their folders, as the paths of the photos tell them, and ordered by kind, folder and name.

    Raises:
        DataError: two persons share a folder, or there are no pictures of a kind.
    """
    persons: dict[str, str] = {}
    for photo in photos:
        folder = photo.path.split("/")[1]
        if persons.setdefault(folder, photo.person) != photo.person:
            raise DataError(
                f"the folder vis/{folder} is of the persons {persons[folder]} and {photo.person}; get the file anew"
            )
    found = []
    for kind in kinds:
        files = [(kind, persons[f], path) for f in sorted(persons) for path in list_files(root / kind / f, ".jpg")]
        if not files:
            raise DataError(f"there are no .jpg files of training persons in {root / kind}; complete the copy")
        found += files
    return found


def read_test(path: Path, keys: Mapping[str, Sequence[str]]) -> Entries:
    """Read `test_gallery_and_queries.json`, in its order.

    Args:
        path: the file; paths in it are relative to its folder.
        keys: the lists that it must hold, and for each item of an entry the folder of such pictures; "" for a sentence.

    Raises:
        DataError: the file cannot be read, a list is missing, unknown or empty, an entry is wrong or a picture missing.
    """
    content = read_object(path)
    for names, problem in ((set(keys) - set(content), "lacks"), (set(content) - set(keys), "has the unknown")):
        if names:
            raise DataError(
                f"{path} {problem} list {min(names)!r}; it has the {len(keys)} of the published file: get it"
            )
    entries = {key: _read_list(f"{path}, {key}", content[key], folders) for key, folders in keys.items()}
    named = {
        item
        for key, folders in keys.items()
        for _, *items in entries[key]
        for item, folder in zip(items, folders, strict=True)
        if folder
    }
    check_pictures(path.parent, sorted(named), path)
    return entries


def _read_list(place: str, entries: object, folders: Sequence[str]) -> list[list[str]]:
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{place}: there is no list of entries; get the published file")
    kept: dict[str, str] = {}  # up to 17 lists name the same texts
    return [_read_entry(f"{place}, entry {n}", entry, folders, kept) for n, entry in enumerate(entries, start=1)]


def _read_entry(place: str, entry: object, folders: Sequence[str], kept: dict[str, str]) -> list[str]:
    if not isinstance(entry, list) or len(entry) != 1 + len(folders):
        raise DataError(f"{place}: {entry!r:.80} is not a person and {len(folders)} items; get the published file")
    person, *items = entry
    number = read_number(place, "person", person)
    for item, folder in zip(items, folders, strict=True):
        kind = f"a path {folder}/FOLDER/NAME.jpg" if folder else "a sentence"
        if not isinstance(item, str) or not item.strip() or (folder and not _lies_in(folder, item)):
            raise DataError(f"{place}: {item!r:.80} stands where the published file has {kind}; get that file")
    return [kept.setdefault(text, text) for text in (number, *items)]


def _lies_in(folder: str, item: str) -> bool:
    return item.startswith(f"{folder}/") and not leads_out(item)
