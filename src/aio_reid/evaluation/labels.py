"""Who and where, as integers: what the masks of protocols compare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aio_reid.records import Record

UNKNOWN = -1
"""The camera code of a record without a camera. Two unknown cameras are never the same camera."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Of N records: `persons` (N,) int64 and `cameras` (N,) int64, -1 where unknown. Codes compare within one call of
    `encode_labels` only.
    """

    persons: NDArray[np.int64]
    cameras: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.persons)

    def __getitem__(self, rows: slice | NDArray[np.int64] | NDArray[np.bool_]) -> Labels:
        return Labels(self.persons[rows], self.cameras[rows])


def encode_labels(*groups: Sequence[Record]) -> tuple[Labels, ...]:
    """Return the labels of each group of records, in codes that all groups share."""
    persons = _codes(record.person_id for group in groups for record in group)
    cameras = _codes(record.camera_id for group in groups for record in group if record.camera_id is not None)
    return tuple(
        Labels(
            np.array([persons[record.person_id] for record in group], dtype=np.int64),
            np.array([_camera(record, cameras) for record in group], dtype=np.int64),
        )
        for group in groups
    )


def same_person(query: Labels, gallery: Labels) -> NDArray[np.bool_]:
    """Return (Q, G) bool: the gallery entry shows the query's person."""
    same: NDArray[np.bool_] = query.persons[:, None] == gallery.persons[None, :]
    return same


def same_camera(query: Labels, gallery: Labels) -> NDArray[np.bool_]:
    """Return (Q, G) bool: both cameras are known and the same."""
    same: NDArray[np.bool_] = query.cameras[:, None] == gallery.cameras[None, :]
    same &= (query.cameras != UNKNOWN)[:, None]
    return same


def _codes(names: Iterable[str]) -> dict[str, int]:
    return {name: code for code, name in enumerate(sorted(set(names)))}


def _camera(record: Record, codes: dict[str, int]) -> int:
    return UNKNOWN if record.camera_id is None else codes[record.camera_id]
