"""The one vocabulary of the whole project: modalities, splits, records and queries.

A sixth modality is one more member of `Modality`; nothing else lists them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from aio_reid.errors import DataError


class Modality(StrEnum):
    """A kind of evidence of a person; the members stand in the order in which early fusion concatenates them.

    Attributes:
        letter: one capital that names the modality in tables ("R", "RIST").
        is_visual: seen through an image stem; otherwise read as words.
        has_colour: the three channels differ; otherwise one grey value is replicated (method.md 3.2).
        on_paper: drawn by hand on white, not recorded by a camera.
        label: the name for people to read.
    """

    letter: str
    is_visual: bool
    has_colour: bool
    on_paper: bool
    label: str

    def __new__(
        cls, value: str, letter: str, is_visual: bool, has_colour: bool, on_paper: bool, label: str
    ) -> Modality:
        member = str.__new__(cls, value)
        member._value_ = value
        member.letter = letter
        member.is_visual = is_visual
        member.has_colour = has_colour
        member.on_paper = on_paper
        member.label = label
        return member

    RGB = "rgb", "R", True, True, False, "photo"
    INFRARED = "infrared", "I", True, False, False, "infrared"
    PENCIL = "pencil", "C", True, True, True, "colour pencil"
    SKETCH = "sketch", "S", True, False, True, "sketch"
    TEXT = "text", "T", False, False, False, "text"


FUSIONS: tuple[str, ...] = ("early", "late")
"""How several modalities of a query are joined: read as one sequence, or as separate vectors that are added."""

PROGRAM_FORMATS = ("EPS", "IPTC")
"""Picture formats, as Pillow names them, that are or may hold a PostScript program, for which decoding would start an
interpreter on a file of unknown origin: they are refused wherever pictures are opened.
"""

VISUAL_MODALITIES: tuple[Modality, ...] = tuple(m for m in Modality if m.is_visual)


class Split(StrEnum):
    """The part of a data set that a record belongs to."""

    TRAIN = "train"
    VAL = "val"
    QUERY = "query"
    GALLERY = "gallery"


@dataclass(frozen=True, slots=True)
class Record:
    """One picture or one sentence of one person, as published: ids are never relabelled.

    Exactly one of `image_path` and `caption` is given, and it agrees with the modality. `source_image_id` names the
    photo
    that a drawing or a sentence was made from, where that is known; `attributes` what the data set says is to be seen.

    Raises:
        DataError: when picture and caption are both given, both missing, or do not fit the modality.
    """

    dataset: str
    split: Split
    modality: Modality
    person_id: str
    camera_id: str | None = None
    image_path: Path | None = None
    caption: str | None = None
    source_image_id: str | None = None
    attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.image_path is None) == (self.caption is None):
            raise DataError(
                f"record of person {self.person_id!r}: give either a picture or a caption, not both, not none"
            )
        if (self.image_path is not None) != self.modality.is_visual:
            kind = "a picture" if self.modality.is_visual else "a caption"
            raise DataError(f"record of person {self.person_id!r}: modality {self.modality.value!r} needs {kind}")


def is_called(picture: Record, name: str) -> bool:
    """Tell whether a `source_image_id` names this picture: by the end of its path or by the bare name of the file."""
    path = picture.image_path
    return path is not None and (f"/{path.as_posix()}".endswith(f"/{name}") or path.stem == name)


Query = tuple[Record, ...]
"""What is known of one person: any combination of records, each modality any number of times."""


def subset_name(modalities: Iterable[Modality]) -> str:
    """Return the letters of a set of modalities in fusion order, e.g. "RIST"."""
    chosen = set(modalities)
    return "".join(m.letter for m in Modality if m in chosen)


def parse_modality(name: str) -> Modality:
    """Return the modality of that name.

    Raises:
        DataError: naming the value and what is allowed.
    """
    for modality in Modality:
        if modality.value == name:
            return modality
    raise DataError(f"unknown modality {name!r}; choose one of: {', '.join(m.value for m in Modality)}")


def parse_visual_modality(name: str, *others: str) -> Modality:
    """Return the modality of that name, which pictures can be of; `others` are allowed besides, for the message.

    Raises:
        DataError: naming the value and what is allowed.
    """
    for modality in VISUAL_MODALITIES:
        if modality.value == name:
            return modality
    allowed = ", ".join((*(m.value for m in VISUAL_MODALITIES), *others))
    raise DataError(f"pictures cannot be of modality {name!r}; choose one of: {allowed}")
