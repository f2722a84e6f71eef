"""What protocols are put together from: test records, embedded queries and galleries, scored rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.evaluation.embed import EARLY, SINGLE, EmbedQueries
from aio_reid.evaluation.labels import Labels, encode_labels, same_person
from aio_reid.evaluation.ranking import BoolArray, Masks, rank_features
from aio_reid.evaluation.scores import RetrievalScores, TaskScores
from aio_reid.records import Modality, Query, Record, Split

Ignore = Callable[[slice], BoolArray]
"""A slice of the queries -> (block, G) bool: what is taken out of the rankings of those queries."""

TEST_SPLITS = (Split.QUERY, Split.GALLERY)


@dataclass(frozen=True, slots=True)
class Asked:
    """One ranking: all that is known of it before it is ranked.

    Attributes:
        task, fusion: as `TaskScores`; the task of several trials bears one name in all of them.
        queries: Q queries.
        gallery: G records.
        query_vectors: (Q, E) float32, unit rows; `gallery_vectors` (G, E) float32, unit rows.
        masks: see `ranking.Masks`.
        gallery_persons: see `ranking.rank_features`.
    """

    task: str
    fusion: str
    queries: Sequence[Query]
    gallery: Sequence[Record]
    query_vectors: NDArray[np.float32]
    gallery_vectors: NDArray[np.float32]
    masks: Masks
    gallery_persons: NDArray[np.int64] | None = None


Rank = Callable[[Asked], RetrievalScores]


def rank_plainly(asked: Asked) -> RetrievalScores:
    """Rank by the vectors, and do nothing else; raises as `ranking.rank_features`."""
    persons = asked.gallery_persons
    return rank_features(asked.query_vectors, asked.gallery_vectors, asked.masks, gallery_persons=persons)


_RANK: ContextVar[Rank] = ContextVar("rank", default=rank_plainly)
_NAME: ContextVar[str] = ContextVar("name", default="")


def rank_asked(asked: Asked) -> RetrievalScores:
    """Rank by the way in force, which is `rank_plainly` unless the caller stands in a `ranking_by`."""
    return _RANK.get()(asked)


def name_of_ranking() -> str:
    """Return the name of the way in force where it changes scores, else ""; results carry it."""
    return _NAME.get()


@contextmanager
def ranking_by(rank: Rank, *, name: str = "") -> Iterator[None]:
    """Have everything that protocols rank inside of this context ranked by `rank`.

    So an onlooker sees every ranking of every protocol, such as the nearest entries of each query, without being an
    argument of each. It must return what `rank_plainly` does, unless it gives a `name`: scores never depend on who
    looks on.
    """
    ranks, names = _RANK.set(rank), _NAME.set(name)
    try:
        yield
    finally:
        _RANK.reset(ranks)
        _NAME.reset(names)


@dataclass(frozen=True, slots=True)
class Embedded:
    """N queries or gallery entries: their labels, their vectors, (N, E) float32 unit rows, and their records."""

    labels: Labels
    vectors: NDArray[np.float32]
    records: Sequence[Record]

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: NDArray[np.int64]) -> Embedded:
        return Embedded(self.labels[rows], self.vectors[rows], [self.records[row] for row in rows])


def select_test(records: Sequence[Record], modality: Modality, splits: Sequence[Split] = TEST_SPLITS) -> list[Record]:
    """Return the records of one modality in these splits, in their order.

    Raises:
        DataError: there are none.
    """
    found = [record for record in records if record.modality is modality and record.split in splits]
    if not found:
        named = " or ".join(repr(split.value) for split in splits)
        raise DataError(
            f"among {len(records)} records there are no {modality.label} records in the split {named}; "
            "give the test records of a data set that has them"
        )
    return found


def require_cameras(records: Sequence[Record], protocol: str) -> None:
    """Refuse records without a camera where the protocol ignores pictures by camera.

    Raises:
        DataError: at least one record has no camera.
    """
    without = sum(record.camera_id is None for record in records)
    if without:
        raise DataError(
            f"{without} of {len(records)} records have no camera, by which {protocol} ignores pictures; "
            "give the cameras, or evaluate any-combination-to-rgb, which needs none"
        )


def singles(records: Sequence[Record]) -> list[Query]:
    """Return each record as a query of its own."""
    return [(record,) for record in records]


def embed_groups(embed: EmbedQueries, *groups: Sequence[Record]) -> tuple[Embedded, ...]:
    """Embed each record alone; labels compare across all groups of the call."""
    labels = encode_labels(*groups)
    return tuple(
        Embedded(of_group, embed(singles(group), EARLY), group) for group, of_group in zip(groups, labels, strict=True)
    )


def rank_embedded(
    task: str,
    query: Embedded,
    gallery: Embedded,
    ignore: Ignore | None = None,
    *,
    per_identity: bool = False,
) -> RetrievalScores:
    """Rank the whole gallery for every query.

    Args:
        task: see `Asked`.
        query, gallery: with labels of one `encode_labels` call.
        ignore: what is taken out of the ranking of each query; None takes out nothing.
        per_identity: rank-k counts persons, each where it first occurs.

    Raises:
        DataError: as `ranking.rank_features`.
    """

    return rank_asked(
        Asked(
            task=task,
            fusion=SINGLE,
            queries=singles(query.records),
            gallery=gallery.records,
            query_vectors=query.vectors,
            gallery_vectors=gallery.vectors,
            masks=_same_person_masks(query.labels, gallery.labels, ignore),
            gallery_persons=gallery.labels.persons if per_identity else None,
        )
    )


def rank_tasks(
    asked: Mapping[str, Sequence[Query]],
    gallery: Sequence[Record],
    embed: EmbedQueries,
    *,
    fusions: Sequence[str],
    ignore: Mapping[str, Ignore] | None = None,
) -> tuple[TaskScores, ...]:
    """Score several tasks against one gallery, which is embedded once.

    Args:
        asked: task -> its queries; a task of queries of one record each is ranked once, as "single", another one for
            each fusion. A task without queries is passed over.
        gallery: G records.
        embed: see `EmbedQueries`.
        fusions: any of "early" and "late".
        ignore: task -> what is taken out of the ranking of each of its queries; tasks that are not named ignore
            nothing.

    Raises:
        DataError: as `ranking.rank_features`; among others when no query of a task has a true match.
    """
    gallery_vectors = embed(singles(gallery), EARLY)  # (G, E)
    rows: list[TaskScores] = []
    for task, queries in asked.items():
        if not queries:
            continue
        query_labels, gallery_labels = encode_labels([query[0] for query in queries], gallery)
        masks = _same_person_masks(query_labels, gallery_labels, (ignore or {}).get(task))
        for fusion in fusions if any(len(query) > 1 for query in queries) else (SINGLE,):
            query_vectors = embed(queries, EARLY if fusion == SINGLE else fusion)  # (Q, E)
            scores = rank_asked(Asked(task, fusion, queries, gallery, query_vectors, gallery_vectors, masks))
            rows.append(TaskScores(task, fusion, scores))
    return tuple(rows)


def _same_person_masks(query: Labels, gallery: Labels, ignore: Ignore | None) -> Masks:
    def masks(rows: slice) -> tuple[BoolArray, BoolArray]:
        matches = same_person(query[rows], gallery)  # (block, G)
        return matches, np.zeros_like(matches) if ignore is None else ignore(rows)

    return masks
