"""Any combination of modalities to an RGB gallery: the protocol of this project's own table (method.md section 10).

For every non-empty subset of the modalities in the query split, one query a person is ranked against all RGB pictures
of the gallery split. A person's records are drawn once and serve every subset, so that the rows of the table differ in
what is known of a person, not in which picture was drawn.

A mixed gallery holds other modalities too, e.g. photos and infrared pictures as day and night leave them; the name of
the protocol tells which.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.evaluation.embed import EARLY, LATE, SINGLE, EmbedQueries
from aio_reid.evaluation.ranking import BoolArray, Masks
from aio_reid.evaluation.scores import ProtocolScores, TaskScores
from aio_reid.evaluation.tasks import Asked, rank_asked
from aio_reid.records import Modality, Query, Record, Split, is_called, subset_name

VERSION = "1"
ANY_TO = "any-combination-to-"
"""What the protocol's names begin with; the modalities of the gallery follow."""
RGB_GALLERY = (Modality.RGB,)

Subset = tuple[Modality, ...]
Known = Mapping[str, Mapping[Modality, Record]]
"""Person -> modality -> the one record that stands for it in queries."""


def evaluate_combinations(
    records: Sequence[Record],
    embed: EmbedQueries,
    *,
    fusions: Sequence[str] = (EARLY, LATE),
    subsets: Sequence[Collection[Modality]] | None = None,
    seed: int = 0,
    gallery_modalities: Collection[Modality] = RGB_GALLERY,
) -> ProtocolScores:
    """Rank one query a person and subset against the gallery.

    Args:
        records: of any split; those of "query" (every modality) and "gallery" (the modalities asked for) are used.
        embed: see `EmbedQueries`.
        fusions: any of "early" and "late"; subsets of one modality are ranked once, as "single".
        subsets: the combinations to ask; None asks all of the modalities in the query split.
        seed: draws each person's record of each modality.
        gallery_modalities: of the gallery's records; several make one mixed gallery.

    Returns:
        One `TaskScores` a subset and fusion, by size and then in fusion order. A subset that no person has, or in which
        no query has a true match, is in `left_out`.

    Raises:
        DataError: no gallery, no queries, or nothing at all could be scored.
    """
    gallery = [r for r in records if r.split is Split.GALLERY and r.modality in gallery_modalities]
    known = draw_records([r for r in records if r.split is Split.QUERY], seed)
    if not gallery or not known:
        lacking = (
            f"{_join(gallery_modalities)} records in the split 'gallery'"
            if not gallery
            else "records in the split 'query'"
        )
        raise DataError(f"among {len(records)} records there are no {lacking}; without them nothing can be ranked")
    gallery_vectors = embed([(record,) for record in gallery], EARLY)  # (G, E)
    tasks: list[TaskScores] = []
    left_out: dict[str, str] = {}
    for subset in _ordered(subsets) if subsets is not None else all_subsets(known):
        queries = build_queries(known, subset)
        name = subset_name(subset)
        reason = _unscorable(queries, gallery)
        if reason:
            left_out[name] = reason
            continue
        for fusion in fusions if len(subset) > 1 else (SINGLE,):
            query_vectors = embed(queries, EARLY if fusion == SINGLE else fusion)  # (Q, E)
            masks = _masks(queries, gallery)
            scores = rank_asked(Asked(name, fusion, queries, gallery, query_vectors, gallery_vectors, masks))
            tasks.append(TaskScores(task=name, fusion=fusion, scores=scores))
    if not tasks:
        raise DataError(f"nothing could be scored: {'; '.join(f'{name}: {why}' for name, why in left_out.items())}")
    held = "photos" if set(gallery_modalities) == set(RGB_GALLERY) else "entries"
    return ProtocolScores(protocol_name(gallery_modalities), VERSION, tuple(tasks), left_out, gallery=held)


def protocol_name(gallery_modalities: Collection[Modality]) -> str:
    """Return e.g. "any-combination-to-rgb" or "any-combination-to-rgb+infrared"."""
    return f"{ANY_TO}{_join(gallery_modalities)}"


def draw_records(records: Sequence[Record], seed: int) -> dict[str, dict[Modality, Record]]:
    """Choose one record for each person and modality; it depends on the seed and on the person's own records."""
    candidates: dict[str, dict[Modality, list[Record]]] = {}
    for record in records:
        candidates.setdefault(record.person_id, {}).setdefault(record.modality, []).append(record)
    return {
        person: {modality: _draw(of_person[modality], seed) for modality in Modality if modality in of_person}
        for person, of_person in sorted(candidates.items())
    }


def all_subsets(known: Known) -> list[Subset]:
    """Return every non-empty subset of the modalities that occur, by size and then in fusion order."""
    present = {modality for of_person in known.values() for modality in of_person}
    ordered = [modality for modality in Modality if modality in present]
    return [subset for size in range(1, len(ordered) + 1) for subset in combinations(ordered, size)]


def build_queries(known: Known, subset: Subset) -> list[Query]:
    """Return one query for each person of whom every modality of the subset is known, in the order of the persons."""
    return [tuple(of_person[m] for m in subset) for of_person in known.values() if all(m in of_person for m in subset)]


def exclusion_mask(queries: Sequence[Query], gallery: Sequence[Record], matches: BoolArray) -> BoolArray:
    """Mark the true matches that would make a query trivial; they are taken out of its ranking.

    A gallery picture of the query's person is excluded when the query holds the same picture, a photo by the same
    camera (where both cameras are known), or a drawing, frame or sentence that was made from that picture. In a mixed
    gallery this holds for infrared pictures by the same camera as for photos, for the same sentence as for the same
    picture, and for what was made from the query's picture too. A photo and an infrared picture by one camera, as day
    and night have it, stay in: so it is where the gallery holds photos alone.

    Args:
        queries: Q queries.
        gallery: G records.
        matches: (Q, G) bool, same person.

    Returns:
        (Q, G) bool, a subset of `matches`.
    """
    excluded = np.zeros_like(matches)
    for q, g in np.argwhere(matches):
        excluded[q, g] = any(_gives_away(part, gallery[g]) for part in queries[q])
    return excluded


def _gives_away(part: Record, entry: Record) -> bool:
    if (part.image_path, part.caption) == (entry.image_path, entry.caption):
        return True
    if part.source_image_id is not None and is_called(entry, part.source_image_id):
        return True
    if (
        entry.modality is not Modality.RGB
        and entry.source_image_id is not None
        and is_called(part, entry.source_image_id)
    ):
        return True
    recorded = part.modality is entry.modality and part.modality.is_visual and not part.modality.on_paper
    return recorded and part.camera_id is not None and part.camera_id == entry.camera_id


def _masks(queries: Sequence[Query], gallery: Sequence[Record]) -> Masks:
    persons = np.array([record.person_id for record in gallery])  # (G,)

    def masks(rows: slice) -> tuple[BoolArray, BoolArray]:
        block = queries[rows]
        matches: NDArray[np.bool_] = np.array([q[0].person_id for q in block])[:, None] == persons  # (block, G)
        return matches, exclusion_mask(block, gallery, matches)

    return masks


def _unscorable(queries: Sequence[Query], gallery: Sequence[Record]) -> str | None:
    if not queries:
        return "no person has all of these modalities in the split 'query'"
    of_person: dict[str, list[Record]] = {}
    for picture in gallery:
        of_person.setdefault(picture.person_id, []).append(picture)
    pairs = [(query, picture) for query in queries for picture in of_person.get(query[0].person_id, ())]
    if any(not any(_gives_away(part, picture) for part in query) for query, picture in pairs):
        return None
    if pairs:
        return f"each true match of the {len(queries)} queries is the same picture, its source, or by the same camera"
    return f"none of the {len(queries)} persons has a picture in the split 'gallery'"


def parse_subset(letters: str) -> Subset:
    """Return the modalities that letters such as "IST" stand for, in fusion order.

    Raises:
        DataError: no letters, an unknown one, or one that is given twice.
    """
    known = {modality.letter: modality for modality in Modality}
    if not letters or len(set(letters)) != len(letters) or not set(letters) <= set(known):
        allowed = ", ".join(f"{letter} {modality.label}" for letter, modality in known.items())
        raise DataError(f"{letters!r} names no combination; give each of these letters at most once: {allowed}")
    return tuple(modality for letter, modality in known.items() if letter in letters)


def _join(modalities: Collection[Modality]) -> str:
    return "+".join(modality.value for modality in Modality if modality in modalities)


def _draw(candidates: Sequence[Record], seed: int) -> Record:
    ordered = sorted(candidates, key=lambda record: str(record.caption or record.image_path))
    first = ordered[0]
    digest = blake2b(f"{seed}\n{first.person_id}\n{first.modality.value}".encode(), digest_size=8).digest()
    return ordered[int.from_bytes(digest, "big") % len(ordered)]


def _ordered(subsets: Sequence[Collection[Modality]]) -> list[Subset]:
    return [tuple(modality for modality in Modality if modality in subset) for subset in subsets]
