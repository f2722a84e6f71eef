"""Captioned photos: the reader that the text-to-image data sets share, whose annotation is a JSON list of photos.

An entry is `{"split": "train", "id": 12, "file_path": "cam_a/012_0.jpg", "captions": ["...", "..."]}`; what the keys
are called, and whether there is a split, differs between the sets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aio_reid.datasets.counts import name_copy
from aio_reid.datasets.json_lists import read_objects
from aio_reid.datasets.pictures import check_pictures, leads_out
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

_MOST_DIGITS = 18
_SEARCHED = {"train": Split.TRAIN, "val": Split.VAL, "test": Split.GALLERY}
_ASKED = {"train": Split.TRAIN, "val": Split.VAL, "test": Split.QUERY}


@dataclass(frozen=True, slots=True)
class CaptionedPhoto:
    """One entry: `split` is train, val or test; `path` is relative to the folder of the photos; ids as published."""

    split: str
    person: str
    path: str
    captions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextSet:
    """How one text-to-image data set is published.

    Attributes:
        name: of the data set.
        published: counts, of any of what `count_photos` counts, and of "sketches".
        annotations: names of the file; copies with any of them are in use.
        picture_key: the key of the photo's path.
        others: files that are taken for the annotation, each with the reason why it is not.
        sketches: folder of the sketches, which are called as their photos are; None without sketches.
    """

    name: str
    published: Mapping[str, int]
    annotations: tuple[str, ...]
    picture_key: str = "file_path"
    others: tuple[tuple[str, str], ...] = ()
    sketches: str | None = None


def parse_text_set(root: Path, layout: TextSet) -> list[Record]:
    """Return the photos (those of the test: split gallery), then sketches, then captions (those of the test: split
    query), each ordered by person and path; captions and sketches name their photo by its path as `source_image_id`.

    A photo without a caption stays in the gallery, and one with several has a record for each.

    Raises:
        DataError: the annotation or a picture is missing, an entry is wrong, or there is more than was published.
    """
    annotation = _find_annotation(root, layout)
    photos = sorted(
        read_photos(annotation, picture_key=layout.picture_key), key=lambda photo: (int(photo.person), photo.path)
    )
    pictures = {Modality.RGB: root / "imgs"}
    if layout.sketches is not None:
        pictures[Modality.SKETCH] = root / layout.sketches
    for folder in pictures.values():
        check_pictures(folder, (photo.path for photo in photos), annotation)
    counts = count_photos(photos) | {"sketches": len(photos)}
    dataset = name_copy(layout.name, layout.published, {key: counts[key] for key in layout.published}, root)
    records = [
        record for kind, folder in pictures.items() for record in _picture_records(dataset, kind, folder, photos)
    ]
    return records + list(caption_records(dataset, photos))


def read_photos(
    annotation: Path, *, picture_key: str = "file_path", captions_key: str = "captions", has_splits: bool = True
) -> list[CaptionedPhoto]:
    """Read an annotation, in its order; blank captions are left out.

    Args:
        annotation: a JSON list of objects.
        picture_key: the key of the path.
        captions_key: the key of a list of sentences, or of a single one.
        has_splits: otherwise every photo is of the split "train".

    Raises:
        DataError: the file cannot be read, or an entry is wrong: file, entry, value, and what is expected.
    """
    photos = []
    for number, entry in enumerate(read_objects(annotation), start=1):
        place = f"{annotation}, entry {number}"
        split = _value(place, entry, "split") if has_splits else "train"
        if not isinstance(split, str) or split not in _SEARCHED:
            raise DataError(f"{place}: split is {split!r:.80}; it is one of: {', '.join(_SEARCHED)}")
        person, path = read_number(place, "id", _value(place, entry, "id")), _value(place, entry, picture_key)
        if not isinstance(path, str) or not path or leads_out(path):
            raise DataError(
                f"{place}: {picture_key} is {path!r:.80}; it is a path relative to the folder of the pictures"
            )
        captions = _captions(place, _value(place, entry, captions_key), captions_key)
        # One text for all photos of a person: SYNTH-PEDES has millions.
        photos.append(CaptionedPhoto(split, sys.intern(person), path, captions))
    return photos


def read_number(place: str, key: str, value: object) -> str:
    """Return the id of a person, which annotations write as a whole number or as its digits, as text.

    Raises:
        DataError: it is something else.
    """
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise DataError(f"{place}: {key} is {value!r:.80}; it is a whole number in the published file")
    return text


def photo_records(dataset: str, folder: Path, photos: Iterable[CaptionedPhoto]) -> Iterator[Record]:
    """Yield a record for each photo; photos of the test are the gallery."""
    return _picture_records(dataset, Modality.RGB, folder, photos)


def caption_records(dataset: str, photos: Iterable[CaptionedPhoto]) -> Iterator[Record]:
    """Yield a record for each caption; captions of the test are queries."""
    for photo in photos:
        for caption in photo.captions:
            yield Record(
                dataset,
                _ASKED[photo.split],
                Modality.TEXT,
                photo.person,
                caption=caption,
                source_image_id=photo.path,
            )


def count_photos(photos: Sequence[CaptionedPhoto]) -> dict[str, int]:
    """Return the numbers of "persons", "photos" and "captions", and of photos in each split ("train photos", ...)."""
    splits = [photo.split for photo in photos]
    return {
        "persons": len({photo.person for photo in photos}),
        "photos": len(photos),
        "captions": sum(len(photo.captions) for photo in photos),
        **{f"{split} photos": splits.count(split) for split in _SEARCHED},
    }


def _picture_records(dataset: str, kind: Modality, folder: Path, photos: Iterable[CaptionedPhoto]) -> Iterator[Record]:
    drawn = kind.on_paper
    for photo in photos:
        yield Record(
            dataset,
            (_ASKED if drawn else _SEARCHED)[photo.split],
            kind,
            photo.person,
            image_path=folder / photo.path,
            source_image_id=photo.path if drawn else None,
        )


def _find_annotation(root: Path, layout: TextSet) -> Path:
    for name in layout.annotations:
        if (root / name).is_file():
            return root / name
    for name, reason in layout.others:
        if (root / name).is_file():
            raise DataError(f"{root} holds {name}, {reason}; {layout.annotations[0]} is needed, complete the copy")
    names = " or ".join(layout.annotations)
    raise DataError(f"there is no {names} in {root}; give the folder that holds it and 'imgs'")


def _value(place: str, entry: Mapping[str, object], key: str) -> object:
    if key not in entry:
        raise DataError(f"{place}: there is no {key!r}, which the published file has in each; get that file")
    return entry[key]


def _captions(place: str, value: object, key: str) -> tuple[str, ...]:
    captions = [value] if isinstance(value, str) else value
    if not isinstance(captions, list) or not all(isinstance(caption, str) for caption in captions):
        raise DataError(f"{place}: {key} is {value!r:.80}; it holds one sentence or a list of them")
    return tuple(caption for caption in captions if caption.strip())
