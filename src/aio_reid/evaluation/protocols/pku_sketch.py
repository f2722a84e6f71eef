"""PKU-Sketch without training on it: every person of the copy at hand is a test person (method.md section 10).

Each person has one sketch and two photos by two cameras, and some have a sentence. Photos are the gallery. A photo as
the query ranks the photos of all persons by other cameras (those by its own camera, itself among them, are ignored); a
sketch, a sentence, and both together rank all photos. Sketches of the described persons are also ranked alone, because
only that row is comparable with sentence and with sketch + sentence: same persons, same gallery.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.evaluation.embed import EARLY, LATE, SINGLE, EmbedQueries
from aio_reid.evaluation.ranking import BoolArray, Masks, rank_features
from aio_reid.evaluation.scores import ProtocolScores, TaskScores
from aio_reid.records import Modality, Query, Record

NAME = "pku-sketch/all-persons"
VERSION = "1"


def evaluate_all_persons(
    records: Sequence[Record], embed: EmbedQueries, *, fusions: Sequence[str] = (EARLY, LATE)
) -> ProtocolScores:
    """Rank photos, sketches and sentences of all persons against their photos.

    Args:
        records: what `datasets/pku_sketch.py` returns: photos, at most one sketch and one sentence a person.
        embed: see `EmbedQueries`.
        fusions: any of "early" and "late", for sketch and sentence together.

    Raises:
        DataError: there are no photos, or a task has no query with a true match.
    """
    photos = [r for r in records if r.modality is Modality.RGB]
    sketches = {r.person_id: r for r in records if r.modality is Modality.SKETCH}
    sentences = {r.person_id: r for r in records if r.modality is Modality.TEXT}
    described = [person for person in sentences if person in sketches]
    if not photos:
        raise DataError(f"among {len(records)} records there is no photo; a copy of PKU-Sketch has a folder 'photo'")
    asked: dict[str, list[Query]] = {
        "photo to photo": [(photo,) for photo in photos],
        "sketch to photo": [(sketch,) for sketch in sketches.values()],
        "sketch to photo, described persons": [(sketches[person],) for person in described],
        "text to photo": [(sentence,) for sentence in sentences.values()],
        "sketch + text to photo": [(sketches[person], sentences[person]) for person in described],
    }
    gallery = embed([(photo,) for photo in photos], EARLY)  # (G, E)
    tasks = [
        TaskScores(task, fusion, rank_features(_embed(embed, queries, fusion), gallery, _masks(queries, photos)))
        for task, queries in asked.items()
        if queries
        for fusion in (fusions if len(queries[0]) > 1 else (SINGLE,))
    ]
    left_out = {task: "this copy has no such records" for task, queries in asked.items() if not queries}
    return ProtocolScores(protocol=NAME, version=VERSION, tasks=tuple(tasks), left_out=left_out)


def same_camera_mask(queries: Sequence[Query], photos: Sequence[Record]) -> BoolArray:
    """Mark, for queries that are a photo, all photos by the query's own camera, of any person.

    Args:
        queries: Q queries.
        photos: G photos.

    Returns:
        (Q, G) bool; rows of queries without a photo are all False.
    """
    cameras = np.array([photo.camera_id or "" for photo in photos])  # (G,)
    own = [{part.camera_id for part in query if part.modality is Modality.RGB} for query in queries]
    return np.array([np.isin(cameras, sorted(c for c in of_query if c is not None)) for of_query in own])


def _embed(embed: EmbedQueries, queries: Sequence[Query], fusion: str) -> NDArray[np.float32]:
    return embed(queries, EARLY if fusion == SINGLE else fusion)


def _masks(queries: Sequence[Query], photos: Sequence[Record]) -> Masks:
    persons = np.array([photo.person_id for photo in photos])  # (G,)

    def masks(rows: slice) -> tuple[BoolArray, BoolArray]:
        matches: NDArray[np.bool_] = np.array([q[0].person_id for q in queries[rows]])[:, None] == persons
        return matches, same_camera_mask(queries[rows], photos)  # both (block, G)

    return masks
