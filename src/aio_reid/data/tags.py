"""What is said of people, as classes that every feature of them should tell: attributes of their photos, or words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aio_reid.data.attributes import ATTRIBUTE_CLASSES, find_attributes
from aio_reid.records import Modality, Record


@dataclass(frozen=True, slots=True)
class Tags:
    """A tags of C identities.

    Attributes:
        names: of the tags, A.
        of: (C, A) bool, the tags of each identity.
        is_told: (C,) bool; False where nothing is said of an identity, so that an absent tag means nothing.
    """

    names: tuple[str, ...]
    of: NDArray[np.bool_]
    is_told: NDArray[np.bool_]

    @property
    def shares(self) -> NDArray[np.float64]:
        """How many of the identities of whom something is said have each tag, (A,) in 0..1; 0 where there is none."""
        shares: NDArray[np.float64] = self.of[self.is_told].sum(axis=0) / max(1, int(self.is_told.sum()))
        return shares

    def row(self, label: int) -> Tensor | None:
        """Return the tags of an identity, (A,) bool, None where nothing is said."""
        return torch.from_numpy(self.of[label].copy()) if self.is_told[label] else None


def find_tags(records: Mapping[int, Sequence[Record]], num_identities: int) -> Tags:
    """Return what is said of each identity: the `attributes` of its photos where a data set gives any, else the
    attribute words of its sentences (method.md section 9).

    The names of photos' attributes are the data set's own; of people who have only sentences nothing is said then,
    because their words are other names. Where no photo has any, the tags are `ATTRIBUTE_CLASSES`.

    Args:
        records: label -> photos and sentences of that identity; other records say nothing.
        num_identities: C; labels are 0..C-1.
    """
    has_own_names = any(record.attributes for found in records.values() for record in _photos(found))
    told_of = _attributes if has_own_names else _said_words
    said = {label: told for label, found in records.items() if (told := told_of(found)) is not None}
    names = tuple(sorted(frozenset().union(*said.values()))) if has_own_names else ATTRIBUTE_CLASSES
    place = {name: number for number, name in enumerate(names)}
    of, is_told = np.zeros((num_identities, len(names)), np.bool_), np.zeros(num_identities, np.bool_)
    for label, told in said.items():
        of[label, [place[name] for name in told]] = True
        is_told[label] = True
    return Tags(names, of, is_told)


def _photos(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.modality is Modality.RGB]


def _attributes(records: Sequence[Record]) -> frozenset[str] | None:
    """Return the attributes of one identity's photos, None where there are none."""
    return frozenset(name for photo in _photos(records) for name in photo.attributes) or None


def _said_words(records: Sequence[Record]) -> frozenset[str] | None:
    """Return the attribute words of one identity's sentences, None where there is no sentence."""
    captions = [record.caption for record in records if record.caption]
    spans = [span for caption in captions for span in find_attributes(caption)]
    return frozenset(ATTRIBUTE_CLASSES[span.label] for span in spans) if captions else None
