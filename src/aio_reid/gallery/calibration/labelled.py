"""Comparisons from a labelled validation set: every combination of what is known of a person, against pictures of each
modality.

A person is asked for at most NUM_ROUNDS times: the n-th query takes the n-th record of every modality. As in the
protocols of the field, a query is not compared with itself, with the picture that it was made from, or with pictures
that its own camera took of the same person: these are easier than what a search is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.gallery.calibration.comparisons import Comparisons
from aio_reid.gallery.calibration.pair import Pairing
from aio_reid.records import Modality, Query, Record, Split

EmbedQueries = Callable[[Sequence[Query], str], NDArray[np.float32]]
"""Q queries and "early" or "late" -> (Q, E) float32 unit rows."""

NUM_ROUNDS = 2
MOST_PEOPLE, MOST_GALLERY_PEOPLE, MOST_PICTURES = 500, 1000, 4
"""People that are asked for, people of the gallery, and pictures of each of them: 4 million comparisons at most."""

Known = Mapping[str, Mapping[Modality, Sequence[Record]]]
"""Person -> modality -> records."""


@dataclass(frozen=True, slots=True)
class ValidationSet:
    """Who is asked for, what is searched, and the splits that both come from, in words."""

    known: Known
    gallery: Mapping[Modality, Sequence[Record]]
    splits: str

    @property
    def query_modalities(self) -> tuple[Modality, ...]:
        """What is known of at least one person."""
        return tuple(m for m in Modality if any(m in evidence for evidence in self.known.values()))


def choose_validation(records: Sequence[Record], readable: Sequence[Modality]) -> ValidationSet:
    """Return the part of a data set to calibrate on: its split "val" where it has one, which is query and gallery at
    once, or else "query" and "gallery". People are drawn by a hash of their name, so that a set is always drawn alike.

    Raises:
        DataError: there is no query, or no picture to search.
    """
    usable = [record for record in records if record.modality in readable]
    validation = [record for record in usable if record.split is Split.VAL]
    asked = validation or [record for record in usable if record.split is Split.QUERY]
    searched = validation or [record for record in usable if record.split is Split.GALLERY]
    gallery = _by_person([record for record in searched if record.modality.is_visual])
    if not asked or not gallery:
        lacking = "records to ask with" if not asked else "pictures to search"
        raise DataError(
            f"among {len(records)} records there are no {lacking}; a validation set has the split 'val', or 'query' "
            "and 'gallery', of modalities that the weights read"
        )
    # of those asked for first who can be found: a person without a picture gives strangers only
    people = sorted(_by_person(asked).items(), key=lambda item: (item[0] not in gallery, _drawn(item[0])))
    known = dict(people[:MOST_PEOPLE])
    shown = sorted(gallery, key=lambda person: (person not in known, _drawn(person)))
    pictures = [
        record
        for person in shown[:MOST_GALLERY_PEOPLE]
        for of_kind in gallery[person].values()
        for record in of_kind[:MOST_PICTURES]
    ]
    of_modality = {m: tuple(r for r in pictures if r.modality is m) for m in Modality}
    return ValidationSet(
        known=known,
        gallery={modality: found for modality, found in of_modality.items() if found},
        splits="val" if validation else "query and gallery",
    )


def all_pairings(query: Sequence[Modality], gallery: Sequence[Modality]) -> Iterator[Pairing]:
    """Yield every non-empty combination of query modalities with each gallery modality, the smallest first."""
    for size in range(1, len(query) + 1):
        for subset in combinations([m for m in Modality if m in query], size):
            for modality in gallery:
                yield Pairing(subset, modality)


class LabelledComparisons:
    """Compares a validation set, one pairing after the other; the gallery is embedded once.

    `embed` is given every query as often as a pairing asks for it: give one that keeps what it has embedded.
    """

    def __init__(self, chosen: ValidationSet, embed: EmbedQueries, fusion: str) -> None:
        self._set = chosen
        self._embed = embed
        self._fusion = fusion
        self._gallery: dict[Modality, NDArray[np.float32]] = {}

    def compare(self, pairing: Pairing) -> Comparisons:
        """Return all comparisons of a pairing.

        Raises:
            DataError: nobody is known by this combination, or there is no such picture.
        """
        queries = list(self._queries(pairing.query))
        gallery = self._set.gallery.get(pairing.gallery, ())
        if not queries or not gallery:
            lacking = "nobody is known by all of these" if not queries else f"there is no {pairing.gallery.label}"
            raise DataError(f"{lacking} in the validation set")
        if pairing.gallery not in self._gallery:
            self._gallery[pairing.gallery] = self._embed([(record,) for record in gallery], "early")
        scores = self._embed(queries, self._fusion) @ self._gallery[pairing.gallery].T  # (Q, G)
        return _compared(queries, gallery, scores)

    def _queries(self, subset: Sequence[Modality]) -> Iterator[Query]:
        for evidence in self._set.known.values():
            if not all(modality in evidence for modality in subset):
                continue
            rounds = min(NUM_ROUNDS, max(len(evidence[modality]) for modality in subset))
            for n in range(rounds):
                yield tuple(evidence[modality][n % len(evidence[modality])] for modality in subset)


def _compared(queries: Sequence[Query], gallery: Sequence[Record], scores: NDArray[np.float32]) -> Comparisons:
    people = {person: n for n, person in enumerate(dict.fromkeys(r.person_id for r in (*gallery, *_firsts(queries))))}
    asked = np.array([people[query[0].person_id] for query in queries])
    shown = np.array([people[record.person_id] for record in gallery])
    is_match = asked[:, None] == shown[None, :]  # (Q, G)
    is_used = np.ones_like(is_match)
    for q, g in zip(*np.nonzero(is_match), strict=True):
        is_used[q, g] = not any(_is_too_easy(record, gallery[g]) for record in queries[q])
    numbers = np.broadcast_to(np.arange(len(queries))[:, None], is_match.shape)
    groups = np.broadcast_to(asked[:, None], is_match.shape)
    return Comparisons(np.clip(scores, -1.0, 1.0)[is_used], is_match[is_used], numbers[is_used], groups[is_used])


def _is_too_easy(known: Record, picture: Record) -> bool:
    """Tell whether a picture of the same person is the record itself, its source, or from the same camera."""
    if known.camera_id is not None and known.camera_id == picture.camera_id:
        return True
    if picture.image_path is None:
        return False
    names = (picture.image_path.name, picture.image_path.stem)
    is_source = known.source_image_id is not None and known.source_image_id.rpartition("/")[2] in names
    return known.image_path == picture.image_path or is_source


def _firsts(queries: Sequence[Query]) -> list[Record]:
    return [query[0] for query in queries]


def _by_person(records: Sequence[Record]) -> dict[str, dict[Modality, list[Record]]]:
    found: dict[str, dict[Modality, list[Record]]] = {}
    for record in records:
        found.setdefault(record.person_id, {}).setdefault(record.modality, []).append(record)
    return found


def _drawn(person: str) -> bytes:
    return blake2b(person.encode("utf-8", "surrogatepass"), digest_size=8).digest()
