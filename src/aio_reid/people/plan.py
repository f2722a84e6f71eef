"""Which pictures and sentences a set of synthetic people consists of, and how each one is made.

Every shot has its own random numbers: the order of drawing, the number of processes and an interruption change nothing.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.people.camera import random_camera
from aio_reid.people.captions import Caption, describe
from aio_reid.people.identity import Identity, near_twin, random_identity
from aio_reid.people.infrared import render_infrared
from aio_reid.people.pencil import render_pencil
from aio_reid.people.photo import render_photo
from aio_reid.people.sketch import NUM_ARTISTS, render_sketch
from aio_reid.records import Modality, Split

DAY_CAMERAS, NIGHT_CAMERAS = 48, 16
"""The pool of cameras of one seed: colour and infrared ones."""
PEOPLE_PER_SEED = 1_000_000
MOST_SEED = 10**12
LEAST_SIZE, MOST_SIZE = (32, 16), 65_500
"""(H, W) in pixels that a figure can be drawn in; a JPEG has no longer side."""

_ORDER = tuple(Modality)


@dataclass(frozen=True, slots=True)
class ViewCounts:
    """How many pictures and sentences of each person."""

    photos: int = 4
    infrared: int = 2
    sketches: int = 1
    pencils: int = 1
    captions: int = 2


@dataclass(frozen=True, slots=True)
class Splits:
    """What the set is for.

    Attributes:
        layout: "train": everything is for training, but the last people, who are for validation.
            "retrieval": the further photos of a person are the gallery; one photo, from another camera, and everything
            else are queries.
        val_share: share of people for validation, 0..1, in the layout "train".
        twin_share: share of people who differ from an earlier one in a single attribute, 0..1, in the layout "train".
    """

    layout: Literal["train", "retrieval"] = "train"
    val_share: float = 0.0
    twin_share: float = 0.15


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture or sentence: person (a seed), modality, which one, split; camera or artist where it has one."""

    person: int
    modality: Modality
    number: int
    split: Split
    camera: int | None = None
    artist: int | None = None

    @property
    def person_id(self) -> str:
        """The zero-padded seed."""
        return f"{self.person:08d}"

    @property
    def camera_id(self) -> str | None:
        """The camera's name; drawings and sentences have none."""
        return None if self.camera is None else f"c{self.camera:04d}"

    @property
    def path(self) -> str:
        """Where the picture lies, relative to the manifest."""
        seen_by = self.camera_id or f"a{self.artist or 0}"
        return f"{self.modality.value}/{self.person_id}_{seen_by}_{self.number}.jpg"


@dataclass(frozen=True, slots=True)
class PeoplePlan:
    """A set of synthetic people; equal plans draw equal sets. `size` is (height, width) of the pictures in pixels.

    Raises:
        DataError: a count that makes no set.
    """

    identities: int
    seed: int = 0
    views: ViewCounts = ViewCounts()
    size: tuple[int, int] = (256, 128)
    splits: Splits = Splits()

    def __post_init__(self) -> None:
        views = self.views
        if not 1 <= self.identities <= PEOPLE_PER_SEED:
            raise DataError(f"{self.identities} identities: give 1 to {PEOPLE_PER_SEED}")
        if not 0 <= self.seed <= MOST_SEED:
            raise DataError(f"seed {self.seed}: give a number from 0 to {MOST_SEED}")
        if min(astuple(views)) < 0:
            raise DataError(f"{views}: every count is 0 or more")
        if not any(astuple(views)):
            raise DataError(f"{views}: every count is 0; ask for pictures or sentences")
        (height, width), (least_height, least_width) = self.size, LEAST_SIZE
        if height < least_height or width < least_width or max(self.size) > MOST_SIZE:
            raise DataError(
                f"pictures of {height}x{width} pixels: give {least_height}x{least_width} to {MOST_SIZE}x{MOST_SIZE}, "
                "height first, such as 256x128"
            )
        if not (0.0 <= self.splits.val_share <= 1.0 and 0.0 <= self.splits.twin_share <= 1.0):
            raise DataError(f"{self.splits}: every share is from 0 to 1")
        if self.splits.layout == "retrieval" and views.photos < 2:
            raise DataError(f"{views.photos} photos: a retrieval layout needs 2 or more, one query and a gallery")

    def shots(self, index: int) -> list[Shot]:
        """Return all shots of the person number `index`, 0 <= index < identities."""
        person = self.seed * PEOPLE_PER_SEED + index
        rng = np.random.default_rng((person, 0x5407))
        split = self._split(index)
        first = self.seed * (DAY_CAMERAS + NIGHT_CAMERAS)
        day, night = first + rng.permutation(DAY_CAMERAS), first + DAY_CAMERAS + rng.permutation(NIGHT_CAMERAS)
        artists = rng.permutation(NUM_ARTISTS)
        views = self.views
        shots = [Shot(person, Modality.RGB, n, split, int(day[n % DAY_CAMERAS])) for n in range(views.photos)]
        if self.splits.layout == "retrieval":
            shots[1:] = [_in_gallery(shot, int(day[1 + n % (DAY_CAMERAS - 1)])) for n, shot in enumerate(shots[1:])]
        shots += [
            Shot(person, Modality.INFRARED, n, split, int(night[n % NIGHT_CAMERAS])) for n in range(views.infrared)
        ]
        for modality, count in ((Modality.PENCIL, views.pencils), (Modality.SKETCH, views.sketches)):
            drawn = (int(artists[n % NUM_ARTISTS]) for n in range(count))
            shots += [Shot(person, modality, n, split, artist=artist) for n, artist in enumerate(drawn)]
        return shots + [Shot(person, Modality.TEXT, n, split) for n in range(views.captions)]

    def identity(self, index: int) -> Identity:
        """Return the person number `index`."""
        person = self.seed * PEOPLE_PER_SEED + index
        rng = np.random.default_rng((person, 0x2714))
        start = self._first_val if index >= self._first_val else 0  # twins of both sides would blur the split
        if self.splits.layout == "train" and index > start and rng.random() < self.splits.twin_share:
            return near_twin(self.identity(int(rng.integers(start, index))), person)
        return random_identity(person)

    @property
    def _first_val(self) -> int:
        return self.identities - round(self.identities * self.splits.val_share)

    def _split(self, index: int) -> Split:
        if self.splits.layout == "retrieval":
            return Split.QUERY
        return Split.VAL if index >= self._first_val else Split.TRAIN


def _in_gallery(shot: Shot, camera: int) -> Shot:
    return Shot(shot.person, shot.modality, shot.number, Split.GALLERY, camera)


def draw_shot(shot: Shot, identity: Identity, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw a picture: uint8 (H, W, 3) of `size` (H, W). The same shot gives the same picture."""
    rng = _shot_rng(shot)
    match shot.modality:
        case Modality.RGB:
            return render_photo(identity, random_camera(shot.camera or 0), rng, size)
        case Modality.INFRARED:
            return render_infrared(identity, random_camera(shot.camera or 0), rng, size)
        case Modality.SKETCH:
            return render_sketch(identity, shot.artist or 0, rng, size)
        case Modality.PENCIL:
            return render_pencil(identity, shot.artist or 0, rng, size)
        case _:
            raise DataError(f"modality {shot.modality.value!r} is no picture; sentences come from tell_shot")


def tell_shot(shot: Shot, identity: Identity) -> Caption:
    """Write the sentence of a text shot."""
    return describe(identity, _shot_rng(shot))


def _shot_rng(shot: Shot) -> np.random.Generator:
    return np.random.default_rng((shot.person, _ORDER.index(shot.modality), shot.number))
