"""ORBench (Zuo et al., ReID5o, NeurIPS 2025): photos, infrared, pencil, sketches and sentences of 1,000 persons.

Layout below the root (ORBench): `{vis,nir,cp,sk}/FOLDER/*.jpg`, `train_annos.json`, `test_gallery_and_queries.json`.
The pictures come from SYSU-MM01 and LLCM: who trains on those has seen persons of this test.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

from aio_reid.datasets.captioned import CaptionedPhoto, caption_records, photo_records
from aio_reid.datasets.counts import name_copy
from aio_reid.datasets.orbench_files import Entries, list_partners, read_test, read_train
from aio_reid.records import Modality, Query, Record, Split

NAME = "orbench"
TITLE = "ORBench"
PUBLISHED = {"train persons": 600, "test persons": 400}
GALLERY = "RGB_GALLERY"
PARTS = {"NIR": Modality.INFRARED, "CP": Modality.PENCIL, "SK": Modality.SKETCH, "TEXT": Modality.TEXT}
FOLDERS = {part.lower(): kind for part, kind in PARTS.items() if kind.is_visual}
TASKS = tuple(
    "+".join((leading, *others))
    for size in range(len(PARTS))
    for leading in PARTS
    for others in combinations([part for part in PARTS if part != leading], size)
)
"""The 32 keys. The first part leads: all its test items are listed, so that "NIR+CP" and "CP+NIR" differ."""


def parse(root: Path) -> list[Record]:
    """Return the training records (photos and captions by person and path, then the others), then the test's gallery,
    then each record of a query once, in the order in which the tasks name it first.

    Persons are called by their "id", not by the folder that links their pictures (888 is in folder 0706).

    Raises:
        DataError: an annotation, picture or folder is missing or wrong, a folder has two persons, or there is too much.
    """
    photos, entries = read_train(root / "train_annos.json"), _read_entries(root)
    dataset = _name(root, photos, entries)
    others = [
        Record(dataset, Split.TRAIN, FOLDERS[folder], person, image_path=path)
        for folder, person, path in list_partners(root, photos, list(FOLDERS))
    ]
    gallery = [Record(dataset, Split.GALLERY, Modality.RGB, who, None, root / path) for who, path in entries[GALLERY]]
    queries = (query for task in _make_tasks(root, dataset, entries).values() for query in task)
    asked = dict.fromkeys(record for query in queries for record in query)
    return [*photo_records(dataset, root, photos), *caption_records(dataset, photos), *others, *gallery, *asked]


def parse_tasks(root: Path) -> dict[str, list[Query]]:
    """Return the queries of each of the 32 tasks, in the order of the file; their records in the order of the key.

    Raises:
        DataError: as `parse`.
    """
    photos, entries = read_train(root / "train_annos.json"), _read_entries(root)
    return _make_tasks(root, _name(root, photos, entries), entries)


def _make_tasks(root: Path, dataset: str, entries: Entries) -> dict[str, list[Query]]:
    known: dict[tuple[Modality, str, str], Record] = {}  # one record for what many lists name

    def record(kind: Modality, person: str, item: str) -> Record:
        path, caption = (root / item, None) if kind.is_visual else (None, item)
        made = Record(dataset, Split.QUERY, kind, person, image_path=path, caption=caption)
        return known.setdefault((kind, person, item), made)

    kinds = {task: [PARTS[part] for part in task.split("+")] for task in TASKS}
    return {
        task: [
            tuple(record(kind, who, item) for kind, item in zip(kinds[task], items, strict=True))
            for who, *items in entries[task]
        ]
        for task in TASKS
    }


def _read_entries(root: Path) -> Entries:
    folders = {task: [part.lower() if PARTS[part].is_visual else "" for part in task.split("+")] for task in TASKS}
    return read_test(root / "test_gallery_and_queries.json", {GALLERY: ["vis"], **folders})


def _name(root: Path, photos: list[CaptionedPhoto], entries: Entries) -> str:
    trained, tested = {photo.person for photo in photos}, {person for person, _ in entries[GALLERY]}
    return name_copy(NAME, PUBLISHED, {"train persons": len(trained), "test persons": len(tested)}, root)
