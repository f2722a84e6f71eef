"""What a copy of a data set holds beside what was published, and the name that says so.

A complete copy has the plain name of its data set. A partial one carries its counts in the name, so that no result of
it can be taken for a result of the whole: "pku-sketch (90 of 200 persons, 180 of 400 photos, 90 of 200 sketches)".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

Counts = Mapping[str, int]
"""What is counted, in words without commas and brackets -> how many."""

_PARTIAL = re.compile(r"(.+?) \((\d+ of \d+ [^()]+)\)")


@dataclass(frozen=True, slots=True)
class Count:
    """How many of one kind a copy holds, and how many were published."""

    what: str
    found: int
    published: int


def name_copy(name: str, published: Counts, counts: Counts, root: Path) -> str:
    """Return the name of the copy below `root`: `name`, followed by the counts where they are below the published.

    Args:
        name: of the data set.
        published: how much there is of everything that is counted.
        counts: how much of the same the copy holds.
        root: of the copy.

    Raises:
        DataError: there is more than was published.
    """
    for what, count in counts.items():
        if count > published[what]:
            raise DataError(f"{root} holds {count} {what}, but {published[what]} were published; remove the others")
    if counts == published:
        return name
    return f"{name} ({', '.join(f'{count} of {published[what]} {what}' for what, count in counts.items())})"


def read_name(dataset: str) -> tuple[str, list[Count]]:
    """Return the plain name and the counts that `name_copy` wrote behind it; no counts for a complete copy."""
    match = _PARTIAL.fullmatch(dataset)
    if match is None:
        return dataset, []
    counts = []
    for part in match[2].split(", "):
        found, _, published, what = part.split(" ", 3)
        counts.append(Count(what, int(found), int(published)))
    return match[1], counts


def name_records(records: Sequence[Record], name: str, published: Counts, counts: Counts, root: Path) -> list[Record]:
    """Return the records as ones of the data set that `name_copy` names.

    Raises:
        DataError: there are none, or more than were published.
    """
    if not records:
        raise DataError(f"{root} holds none of the pictures of {name}; give the folder that its release unpacks to")
    dataset = name_copy(name, published, counts, root)
    return [replace(record, dataset=dataset) for record in records]


def count_photo_splits(records: Sequence[Record], *, nobody: str | None = None) -> dict[str, int]:
    """Return what a data set of photos is counted by: persons of training and testing, pictures of each split.

    Args:
        records: of the splits train, query and gallery.
        nobody: the person id of pictures that show no person.
    """
    people = [record for record in records if record.person_id != nobody]
    return {
        "train persons": count_persons(people, Split.TRAIN),
        "train pictures": count_pictures(records, Split.TRAIN),
        "test persons": count_persons(people, Split.QUERY, Split.GALLERY),
        "query pictures": count_pictures(records, Split.QUERY),
        "gallery pictures": count_pictures(records, Split.GALLERY),
    }


def count_infrared_splits(records: Sequence[Record], *splits: Split) -> dict[str, int]:
    """Return what a data set of photos and infrared frames is counted by.

    Args:
        records: those of testing have the split gallery where they are photos, query where they are infrared.
        splits: those that training uses.
    """
    counts = {}
    for split in splits:
        counts[f"{split.value} persons"] = count_persons(records, split)
        counts[f"{split.value} photos"] = count_pictures(records, split)
        counts[f"{split.value} infrared"] = count_pictures(records, split, Modality.INFRARED)
    return {
        **counts,
        "test persons": count_persons(records, Split.QUERY, Split.GALLERY),
        "gallery photos": count_pictures(records, Split.GALLERY),
        "query infrared": count_pictures(records, Split.QUERY, Modality.INFRARED),
    }


def count_persons(records: Iterable[Record], *splits: Split) -> int:
    """Return the number of different persons in the splits."""
    return len({record.person_id for record in records if record.split in splits})


def count_pictures(records: Iterable[Record], split: Split, modality: Modality = Modality.RGB) -> int:
    """Return the number of records of one modality in the split."""
    return sum(record.split is split and record.modality is modality for record in records)
