"""What a gallery holds, how a part of it is named, and what every kind of store can do.

`Store` is the seam: `embedded.py` fulfils it with SQLite, and an engine on other machines may do so as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError, WeightsError
from aio_reid.gallery.embedder import PREPROCESS_VERSION
from aio_reid.gallery.result import ScoreSpread
from aio_reid.records import Modality

Value = str | float
"""A value of a user's own column: a text, or a number."""

OPERATORS = ("!=", "<=", ">=", "=", "<", ">")
"""Two characters before one, so that "a<=1" is not read as a < "=1"."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of one enrolled picture; `content` is the SHA-256 of the file, 32 bytes.

    Within a gallery a content and a modality together are one picture, however many copies of the file there are.
    `time` is what the camera's clock showed, without a zone. `source` is what the picture was cut from (a video's
    path or name), `frame` its number in there. `columns` are the user's own.
    """

    content: bytes
    path: Path
    modality: Modality
    camera: str | None = None
    time: datetime | None = None
    track: str | None = None
    source: str | None = None
    frame: int | None = None
    columns: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class NewPicture:
    """A picture to add: its vector, float32 (E,) of unit length, and the file's bytes where they are to be kept."""

    picture: Picture
    vector: NDArray[np.float32]
    copy: bytes | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An enrolled picture; `id` is never given to another one, not even after the picture was removed."""

    id: int
    picture: Picture
    is_copied: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison with a column of the user's own; pictures without a value fulfil none, not even "!=".

    Raises:
        ConfigError: an unknown operator.
    """

    column: str
    operator: str
    value: str

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ConfigError(f"unknown comparison {self.operator!r}; use one of: {' '.join(sorted(OPERATORS))}")


@dataclass(frozen=True, slots=True)
class Where:
    """A part of a gallery: what fulfils every field that is given. Within a field any of its values will do.

    `ids` and `paths` both name pictures and count as one field. `since` is included, `until` is not; a picture without
    a time lies in no window.
    """

    ids: tuple[int, ...] = ()
    paths: tuple[Path, ...] = ()
    cameras: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    modalities: tuple[Modality, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    columns: tuple[Condition, ...] = ()

    @property
    def is_everything(self) -> bool:
        """No field is given."""
        return self == Where()


EVERYTHING = Where()
"""Every picture."""


@dataclass(frozen=True, slots=True)
class Added:
    """Numbers of pictures: `new` ones, known ones whose description was `updated`, and those `known` as they are."""

    new: int
    updated: int
    known: int


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The nearest pictures, best first: ids int64 (K,), cosine similarities float32 (K,).

    `num_searched` is the number that was compared, `group_sizes` int64 (K,) how many of them belong to the track that
    each stands for (1 where tracks are not grouped). `spread` and `lower`, float32 (K,), the share of the compared
    pictures with a lower score, are None unless asked for. `recall` is None for an exact search; for an approximate one
    the share of the true nearest that was found when it was measured. `notes` are lines for the user.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    num_searched: int
    group_sizes: NDArray[np.int64]
    spread: ScoreSpread | None = None
    lower: NDArray[np.float32] | None = None
    recall: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """What a gallery says of itself: `place` is what it is opened by, `embedding_size` None until the first picture,
    and `version` grows with each change.
    """

    place: str
    gallery_id: str
    weights_hash: str
    weights_name: str
    preprocess_version: int
    embedding_size: int | None
    keeps_copies: bool
    created: str
    version: int
    column_types: Mapping[str, str]


class Store(Protocol):
    """One open gallery. Every method sees what other processes have acknowledged; a change is whole or not there, and
    once a method has returned it survives a killed process and a power cut.

    All raise StorageError for a store that is damaged, full, read-only or in use, DataError for a `where` that cannot
    be.
    """

    def about(self) -> About:
        """Return what the gallery says of itself."""

    def add(self, pictures: Sequence[NewPicture]) -> Added:
        """Add pictures, all of them or none; a picture that is known keeps its id and takes the new description."""

    def known(self, contents: Iterable[bytes], modality: Modality) -> dict[bytes, Item]:
        """Return the enrolled ones of these contents."""

    def get(self, ids: Sequence[int]) -> list[Item]:
        """Return those that are there, in the order of the ids."""

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return float32 (B, E); DataError where one is not there."""

    def copy_of(self, content: bytes) -> bytes | None:
        """Return the bytes of a picture that was copied in, or None."""

    def remove(self, where: Where) -> int:
        """Remove pictures and return their number; their bytes are overwritten, the file stays as long as it is."""

    def erase(self, where: Where | None, contents: Sequence[bytes] = ()) -> int:
        """Remove pictures, and all of these contents, then rewrite the store so that nothing of them is left; return
        their number. None names nothing.
        """

    def count(self, where: Where = EVERYTHING) -> int:
        """Return the number of pictures."""

    def search(
        self,
        vector: NDArray[np.float32],
        *,
        top: int,
        where: Where = EVERYTHING,
        leave_out: Sequence[int] = (),
        by_track: bool = False,
        with_spread: bool = False,
    ) -> Found:
        """Return the `top` pictures nearest to a unit vector, float32 (E,); equal scores stand in the order of their
        ids. `by_track` gives one picture, the best, for each track of a camera.
        """

    def ids(self, where: Where = EVERYTHING) -> list[int]:
        """Return the ids of pictures, in ascending order."""

    def iterate(self, where: Where = EVERYTHING) -> Iterator[tuple[Item, NDArray[np.float32]]]:
        """Yield the pictures in the order of their ids, each with its vector, float32 (E,)."""

    def close(self) -> None:
        """Let go of the store; what was acknowledged stays."""


def check_weights(about: About, weights_hash: str) -> None:
    """Refuse to compare with vectors of other weights.

    Raises:
        WeightsError: the gallery was made with other weights, or other preprocessing.
    """
    if about.weights_hash != weights_hash:
        raise WeightsError(
            f"gallery {about.place!r} holds vectors of the weights {about.weights_name!r} ({about.weights_hash[:12]}), "
            f"not of those given ({weights_hash[:12]}); give the same --weights, or embed its pictures anew with "
            "`aio-reid gallery reembed`"
        )
    if about.preprocess_version != PREPROCESS_VERSION:
        raise WeightsError(
            f"gallery {about.place!r} was made by a version of aio-reid that prepared pictures in another way; embed "
            "its pictures anew with `aio-reid gallery reembed`"
        )


def parse_condition(text: str) -> Condition:
    """Return the condition that is written as COLUMN, a comparison, and a value: "person=12", "height>=170".

    Raises:
        ConfigError: there is no comparison in it, or nothing before it.
    """
    places = [(text.index(operator), operator) for operator in OPERATORS if operator in text]
    at, operator = min(places, key=lambda place: place[0], default=(0, ""))
    if at == 0:
        raise ConfigError(f"cannot read the condition {text!r}; write COLUMN=VALUE, or one of != < <= > >= for the =")
    return Condition(text[:at].strip(), operator, text[at + len(operator) :].strip())
