"""PKU-Sketch (Pang et al., ACM Multimedia 2018): all persons without training on it, or splits of 50 test persons.

All persons of the copy at hand (method.md section 10): each has one sketch and two photos by two cameras, and some have
a sentence. Photos are the gallery. A photo as the query ranks the photos of all persons by other cameras (those by its
own camera, itself among them, are ignored); a sketch, a sentence, and both together rank all photos. Sketches of the
described persons are also ranked alone, because only that row is comparable with sentence and with sketch + sentence:
same persons, same gallery.

50 persons: ten times, test persons are drawn, so many of each artist's style; their sketches rank their photos, without
a camera rule, and the ten scores are averaged. The authors publish no lists, so the draws are this project's own. A
partial copy is split the same way as long as it has enough persons of each style: 50 sketches and about 100 photos are
then as hard as published, drawn from fewer persons. Where it has not, or styles are not known, the row is left out:
fewer test persons would be an easier task under the same name.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.evaluation.draws import TRIALS, id_number
from aio_reid.evaluation.embed import EARLY, LATE, SINGLE, EmbedQueries
from aio_reid.evaluation.ranking import BoolArray, Masks
from aio_reid.evaluation.scores import ProtocolScores, RetrievalScores, TaskScores
from aio_reid.evaluation.tasks import Asked, embed_groups, rank_asked, rank_embedded, singles
from aio_reid.evaluation.trials import average_trials
from aio_reid.records import Modality, Query, Record

NAME, FIFTY_PERSONS = "pku-sketch/all-persons", "pku-sketch/50-persons"
VERSION = "1"
STYLE_SHARES = {"a": 11, "b": 5, "c": 20, "d": 8, "e": 6}
"""Artist's style -> test persons in a split; 50 together."""


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
    photos = _photos(records)
    sketches = {r.person_id: r for r in records if r.modality is Modality.SKETCH}
    sentences = {r.person_id: r for r in records if r.modality is Modality.TEXT}
    described = [person for person in sentences if person in sketches]
    asked: dict[str, list[Query]] = {
        "photo to photo": [(photo,) for photo in photos],
        "sketch to photo": [(sketch,) for sketch in sketches.values()],
        "sketch to photo, described persons": [(sketches[person],) for person in described],
        "text to photo": [(sentence,) for sentence in sentences.values()],
        "sketch + text to photo": [(sketches[person], sentences[person]) for person in described],
    }
    gallery = embed(singles(photos), EARLY)  # (G, E)

    def rank(task: str, fusion: str, queries: Sequence[Query]) -> RetrievalScores:
        vectors = _embed(embed, queries, fusion)  # (Q, E)
        return rank_asked(Asked(task, fusion, queries, photos, vectors, gallery, _masks(queries, photos)))

    tasks = [
        TaskScores(task, fusion, rank(task, fusion, queries))
        for task, queries in asked.items()
        if queries
        for fusion in (fusions if len(queries[0]) > 1 else (SINGLE,))
    ]
    left_out = {task: "this copy has no such records" for task, queries in asked.items() if not queries}
    return ProtocolScores(protocol=NAME, version=VERSION, tasks=tuple(tasks), left_out=left_out)


def evaluate_fifty_persons(records: Sequence[Record], embed: EmbedQueries, *, seed: int = 0) -> ProtocolScores:
    """Rank the photos of 50 test persons for their sketches, in ten splits.

    Args:
        records: what `datasets/pku_sketch.py` returns; a sketch's camera id is its style.
        embed: see `EmbedQueries`.
        seed: of the splits; see `draw_test_persons`.

    Returns:
        One row; none, and the reason, where a sketch has no style or a style has too few persons.

    Raises:
        DataError: there are no photos.
    """
    task = "sketch to photo"
    photos, sketches = _photos(records), [r for r in records if r.modality is Modality.SKETCH]
    reason = why_no_split(records)
    if reason:
        return ProtocolScores(FIFTY_PERSONS, VERSION, (), {task: reason})
    query, gallery = embed_groups(embed, sketches, photos)
    trials = []
    for persons in draw_test_persons(records, seed=seed):
        of_sketches, of_photos = _rows_of(sketches, persons), _rows_of(photos, persons)
        trials.append(rank_embedded(task, query[of_sketches], gallery[of_photos]))
    return ProtocolScores(FIFTY_PERSONS, VERSION, (average_trials(task, SINGLE, trials),), left_out={})


def draw_test_persons(records: Sequence[Record], *, seed: int = 0) -> list[frozenset[str]]:
    """Return the 50 test persons of each of ten splits; a model for that split is trained on the others.

    Args:
        records: with styles, as `evaluate_fifty_persons` needs them.
        seed: each split depends on it and on the persons of each style.

    Raises:
        DataError: a sketch has no style, or a style has too few persons with a photo.
    """
    reason = why_no_split(records)
    if reason:
        raise DataError(f"PKU-Sketch cannot be split: {reason}; evaluate all persons")
    of_style = _persons_by_style(records)
    generators = [random.Random(f"pku-sketch {seed} {split}") for split in range(TRIALS)]
    return [
        frozenset(p for style, share in STYLE_SHARES.items() for p in generator.sample(of_style[style], share))
        for generator in generators
    ]


def why_no_split(records: Sequence[Record]) -> str | None:
    """Return why these records cannot be split into 50 test persons and others, or None when they can."""
    sketches = [r for r in records if r.modality is Modality.SKETCH]
    strange = [s.camera_id for s in sketches if s.camera_id not in STYLE_SHARES]
    if strange or not sketches:
        return f"{len(strange)} of {len(sketches)} sketches have no style among {', '.join(STYLE_SHARES)}"
    of_style = _persons_by_style(records)
    few = [f"{len(of_style[s])} of {n} persons in style {s}" for s, n in STYLE_SHARES.items() if len(of_style[s]) < n]
    return f"this copy has only {', '.join(few)}" if few else None


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


def _photos(records: Sequence[Record]) -> list[Record]:
    photos = [r for r in records if r.modality is Modality.RGB]
    if not photos:
        raise DataError(f"among {len(records)} records there is no photo; a copy of PKU-Sketch has a folder 'photo'")
    return photos


def _persons_by_style(records: Sequence[Record]) -> dict[str, list[str]]:
    photographed = {r.person_id for r in records if r.modality is Modality.RGB}
    drawn = {(r.camera_id, r.person_id) for r in records if r.modality is Modality.SKETCH}
    return {
        style: sorted((p for s, p in drawn if s == style and p in photographed), key=id_number)
        for style in STYLE_SHARES
    }


def _rows_of(records: Sequence[Record], persons: frozenset[str]) -> NDArray[np.int64]:
    return np.flatnonzero([record.person_id in persons for record in records])


def _embed(embed: EmbedQueries, queries: Sequence[Query], fusion: str) -> NDArray[np.float32]:
    return embed(queries, EARLY if fusion == SINGLE else fusion)


def _masks(queries: Sequence[Query], photos: Sequence[Record]) -> Masks:
    persons = np.array([photo.person_id for photo in photos])  # (G,)

    def masks(rows: slice) -> tuple[BoolArray, BoolArray]:
        matches: NDArray[np.bool_] = np.array([q[0].person_id for q in queries[rows]])[:, None] == persons
        return matches, same_camera_mask(queries[rows], photos)  # both (block, G)

    return masks
