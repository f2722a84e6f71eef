"""PKU-Sketch (Pang et al., ACM Multimedia 2018): two photos by two cameras and one sketch of each of 200 persons.

Layout below the root (PKUSketchRE-ID_V1): `photo/ID_CAM_FRAME.jpg`, `sketch/ID.jpg`, `styleAnnotation/{a_46,...}.txt`
with the persons that each of five artists drew; `descriptions.json` (person -> one sentence) is no part of the release.
"""

from __future__ import annotations

import re
from pathlib import Path

from aio_reid.datasets.counts import name_copy
from aio_reid.datasets.files import find_home, match_files
from aio_reid.datasets.json_lists import read_object
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

NAME = "pku-sketch"
TITLE = "PKU-Sketch"
PUBLISHED = {"persons": 200, "photos": 400, "sketches": 200}
_PHOTO = re.compile(r"(\d+)_(\d+)_(\d+)")
_SKETCH = re.compile(r"(\d+)")


def parse(root: Path) -> list[Record]:
    """Return the photos (split gallery), then sketches and sentences (split query), each ordered by person.

    The data set of the records is called "pku-sketch" when the published counts are met; a partial copy carries its
    counts in the name, e.g. "pku-sketch (90 of 200 persons, 180 of 400 photos, 90 of 200 sketches)".

    The artist of a sketch, "a" to "e", is its `camera_id`; None where `styleAnnotation` does not tell.

    Raises:
        DataError: folders are missing or empty, a file name does not fit the layout, there is more than was published,
            a sentence describes a person without a photo, or a sketch has two artists.
    """
    home = find_home(root, ("photo", "sketch"), (), TITLE)
    photos, sketches = _match_files(home / "photo", _PHOTO), _match_files(home / "sketch", _SKETCH)
    sentences = _read_sentences(home / "descriptions.json", {name[1] for _, name in photos})
    persons = {name[1] for _, name in [*photos, *sketches]}
    counts = {"persons": len(persons), "photos": len(photos), "sketches": len(sketches)}
    dataset, artists = name_copy(NAME, PUBLISHED, counts, root), _read_artists(home / "styleAnnotation")
    return [
        *(Record(dataset, Split.GALLERY, Modality.RGB, name[1], name[2], path) for path, name in photos),
        *(Record(dataset, Split.QUERY, Modality.SKETCH, n[1], artists.get(n[1]), path) for path, n in sketches),
        *(Record(dataset, Split.QUERY, Modality.TEXT, person, caption=text) for person, text in sentences),
    ]


def _match_files(folder: Path, layout: re.Pattern[str]) -> list[tuple[Path, re.Match[str]]]:
    found = match_files(folder, layout, ".jpg", TITLE)
    return sorted(found, key=lambda item: tuple(int(part) for part in item[1].groups()))


def _read_artists(folder: Path) -> dict[str, str]:
    """Return the artist of each person's sketch; a file is called after the artist, and holds one person a line."""
    artists: dict[str, str] = {}
    for path in sorted(folder.glob("[a-e]_*.txt")):
        try:
            persons = path.read_text(encoding="utf-8").split()
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read as text ({error}); correct or remove it") from error
        for person in persons:
            if artists.setdefault(person, path.name[0]) != path.name[0]:
                raise DataError(f"{path} names {person!r:.80}, drawn by {artists[person]!r} too; remove one of the two")
    return artists


def _read_sentences(path: Path, persons: set[str]) -> list[tuple[str, str]]:
    if not path.exists():
        return []
    sentences = read_object(path)
    told = [(person, text) for person, text in sentences.items() if isinstance(text, str) and text.strip()]
    if len(told) < len(sentences):
        raise DataError(f'{path} must hold one object, {{"person": "sentence", ...}}; correct or remove it')
    strangers = sorted(set(sentences) - persons)
    if strangers:
        raise DataError(f"{path} describes {strangers[0]!r:.80}, of whom there is no photo; remove the entry")
    return sorted(told, key=lambda item: int(item[0]))
