"""Search of a lasting gallery: from parts of a query, weights, filters and marked pictures to the same result that a
search of a folder gives, so that tables, files and pages are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError
from aio_reid.gallery.cache import EmbeddingCache, open_cache
from aio_reid.gallery.calibration.ranked import Ranked, find_applicable, ranked_search
from aio_reid.gallery.calibration.reading import Reading
from aio_reid.gallery.colour import colourless_photos
from aio_reid.gallery.embedder import EmbedderFactory, LoadedOnce, QueryEmbedding, QueryPart
from aio_reid.gallery.query import (
    Watch,
    check_modality_weights,
    check_options,
    part_content,
    query_vector,
    weighted_query,
    with_feedback,
)
from aio_reid.gallery.ranking import SMALLEST_GALLERY, stands_out
from aio_reid.gallery.result import Counts, Enrolled, Hit, Presence, SearchResult, Timings
from aio_reid.gallery.store.nearest import exact_scores
from aio_reid.gallery.store.protocol import EVERYTHING, Found, Item, Store, Where, check_weights
from aio_reid.pages.text import shown
from aio_reid.records import Modality


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a gallery.

    `weights` are the weights of modalities (late fusion; see `query.weighted_query`), empty for those of the model.
    `like` and `unlike` are ids of pictures of the gallery (see `query.with_feedback`); they are not ranked themselves,
    and neither is a picture of the query that is enrolled. `by_track` shows a track as one. `expected` is the number of
    pictures of the person that are expected among those searched, which a probability depends on. `is_raw` ranks
    pictures of several modalities by their scores, also where these are calibrated.
    """

    parts: tuple[QueryPart, ...]
    fusion: str = "early"
    weights: Mapping[Modality, float] = field(default_factory=dict)
    like: tuple[int, ...] = ()
    unlike: tuple[int, ...] = ()
    where: Where = EVERYTHING
    by_track: bool = False
    top: int = 20
    expected: float = 1.0
    is_raw: bool = False


NotePhotos = Callable[[Sequence[QueryPart]], Sequence[str]]


def search_gallery(
    store: Store,
    question: Question,
    embedder: EmbedderFactory,
    *,
    cache: EmbeddingCache | None = None,
    copies: bool = True,
    note_photos: NotePhotos = colourless_photos,
) -> SearchResult:
    """Rank the pictures of a gallery. The cache, if one is given, keeps vectors of queries; nothing else. With `copies`
    each hit holds the gallery's copy of its file, if there is one; `note_photos` says what is odd about query photos.

    Raises:
        ConfigError: an option that is not allowed.
        DataError: there is nothing to search for, or no such picture or column in the gallery.
        PictureError: a query picture cannot be read.
        StorageError: the gallery or the cache is damaged.
        WeightsError: the gallery was made with other weights.
    """
    _check(question)
    watch, cache = Watch(), open_cache(enabled=False) if cache is None else cache
    once = LoadedOnce(embedder)
    place = _place_of(store, once)
    contents = [part_content(part) for part in question.parts]
    like, unlike = store.vectors(question.like), store.vectors(question.unlike)
    opened_s = watch.lap()
    query = _query(question, contents, once, cache)
    vector = with_feedback(None if query is None else query.vector, like, unlike)
    query_s = watch.lap()
    own = _own_ids(store, question, contents)
    ranked = _ranked(store, question, vector, own, once.weights_hash)
    found = ranked.found
    _place_of(store, once)  # once more: `reembed` may have ended in another process
    hits, num_items = _hits(store, found, ranked.reading, copies=copies), store.count()
    presence = _presence(hits, ranked.reading)
    left_out = _left_out(store, own, vector, copies=copies)
    return SearchResult(
        folder=place,
        parts=question.parts,
        fusion="late" if question.weights else question.fusion,
        gallery_modality=None,
        hits=hits,
        left_out=left_out,
        unreadable=(),
        spread=found.spread,
        counts=Counts(num_items, found.num_searched, len(left_out), 0, 0, num_items, 0),
        timings=Timings(opened_s, query_s, 0.0, watch.lap(), watch.total()),
        unread_words=() if query is None else query.unread_words,
        weights_hash=once.weights_hash,
        notes=(
            *cache.warnings,
            *note_photos(question.parts),
            *_notes(question, hits, left_out, ranked),
            *_standing(hits, found, presence, num_items),
        ),
        filters=describe_where(question.where),
        presence=presence,
        recall=found.recall,
    )


def describe_where(where: Where) -> tuple[str, ...]:
    """Return the fields of a filter in words, safe to show; none for everything."""
    named = [
        ("pictures", [*(str(number) for number in where.ids), *(str(path) for path in where.paths)]),
        ("camera", where.cameras),
        ("track", where.tracks),
        ("modality", [modality.value for modality in where.modalities]),
        ("since", [] if where.since is None else [where.since.isoformat(" ")]),
        ("until", [] if where.until is None else [where.until.isoformat(" ")]),
    ]
    words = [f"{name} {shown(' or '.join(values))}" for name, values in named if values]
    return (*words, *(shown(f"{c.column} {c.operator} {c.value}") for c in where.columns))


def _place_of(store: Store, once: LoadedOnce) -> Path:
    """Return where the gallery lies, having made sure that its vectors can be compared with the model's."""
    about = store.about()
    check_weights(about, once.weights_hash)
    return Path(about.place)


def _check(question: Question) -> None:
    if question.parts or not question.like:
        check_options(question.parts, Modality.RGB, question.fusion, question.top)
    if question.top < 1:
        raise ConfigError(f"cannot show the top {question.top} pictures; give a number of at least 1")
    if not 0 < question.expected < float("inf"):
        raise ConfigError(f"{question.expected:g} pictures of the person are expected; give a number above 0")
    check_modality_weights(question.weights, question.parts)


def _query(
    question: Question, contents: Sequence[bytes], once: LoadedOnce, cache: EmbeddingCache
) -> QueryEmbedding | None:
    if not question.parts:
        return None
    if question.weights:
        return weighted_query(question.parts, contents, once, question.weights, cache)
    return query_vector(question.parts, contents, once, question.fusion, cache)


def _own_ids(store: Store, question: Question, contents: Sequence[bytes]) -> list[int]:
    """Return the ids of what is not ranked: marked pictures, and pictures of the query."""
    own = [item.id for modality in Modality if modality.is_visual for item in store.known(contents, modality).values()]
    return list(dict.fromkeys([*question.like, *question.unlike, *own]))


def _ranked(
    store: Store, question: Question, vector: NDArray[np.float32], own: Sequence[int], weights_hash: str
) -> Ranked:
    modalities = tuple(sorted((part.modality for part in question.parts), key=list(Modality).index))
    is_moved = bool(question.weights or question.like or question.unlike)
    applicable = find_applicable(
        store, modalities, fusion=question.fusion, weights_hash=weights_hash, is_moved=is_moved
    )
    return ranked_search(
        store,
        partial(store.search, vector, top=question.top, leave_out=own, by_track=question.by_track),
        question.where,
        applicable,
        expected=question.expected,
        top=question.top,
        by_track=question.by_track,
        is_raw=question.is_raw,
    )


def _presence(hits: Sequence[Hit], reading: Reading | None) -> Presence | None:
    """Return what the hit of the strongest evidence says, which is the first unless the ranking is raw."""
    known = [(hit.evidence, hit.enrolled.modality) for hit in hits if hit.evidence and hit.enrolled]
    if not known or reading is None:
        return None
    best, modality = min(known, key=lambda pair: pair[0].expected_strangers)
    return reading.presence(modality, best)


def _hits(store: Store, found: Found, reading: Reading | None, *, copies: bool) -> tuple[Hit, ...]:
    items = {item.id: item for item in store.get(found.ids.tolist())}
    hits: list[Hit] = []
    for n, number in enumerate(found.ids.tolist()):
        if number not in items:
            continue  # another process has removed it just now
        score = float(found.scores[n])
        margin = None if found.spread is None or found.lower is None else stands_out(score, found.spread)
        lower = None if margin is None or found.lower is None else float(found.lower[n])
        enrolled = _enrolled(store, items[number], int(found.group_sizes[n]), copies=copies)
        picture = items[number].picture
        evidence = None if reading is None else reading.evidence(picture.modality, score)
        hits.append(Hit(len(hits) + 1, picture.path, score, margin, lower, picture.content.hex(), enrolled, evidence))
    return tuple(hits)


def _left_out(store: Store, own: Sequence[int], vector: NDArray[np.float32], *, copies: bool) -> tuple[Hit, ...]:
    items = store.get(own)
    if not items:
        return ()
    enrolled = partial(_enrolled, store, track_size=1, copies=copies)
    scores = exact_scores(store.vectors([item.id for item in items]), vector)
    return tuple(
        Hit(rank, item.picture.path, float(score), None, None, item.picture.content.hex(), enrolled(item))
        for rank, (item, score) in enumerate(zip(items, scores, strict=True), start=1)
    )


def _enrolled(store: Store, item: Item, track_size: int, *, copies: bool) -> Enrolled:
    picture = item.picture
    return Enrolled(
        item.id,
        picture.modality,
        picture.camera,
        picture.time,
        picture.track,
        picture.source,
        picture.frame,
        picture.columns,
        track_size,
        store.copy_of(picture.content) if copies and item.is_copied else None,
    )


def _notes(question: Question, hits: Sequence[Hit], left_out: Sequence[Hit], ranked: Ranked) -> tuple[str, ...]:
    marked = {*question.like, *question.unlike}
    notes = [*ranked.found.notes]
    notes += [
        f"left out, it is the query itself: {shown(hit.path)}"
        for hit in left_out
        if hit.enrolled is not None and hit.enrolled.id not in marked
    ]
    if marked:
        notes.append(f"moved by {len(question.like)} pictures to be like and {len(question.unlike)} to be unlike")
    if question.weights:
        words = ", ".join(f"{modality.value} {weight:g}" for modality, weight in question.weights.items())
        notes.append(f"weights of modalities: {words}, 1 for the rest; late fusion")
    is_mixed = len({hit.enrolled.modality for hit in hits if hit.enrolled}) > 1
    if is_mixed and not all(hit.evidence for hit in hits):
        notes.append("pictures of several modalities are ranked together; their scores are not calibrated")
    return (*notes, *ranked.notes)


def _standing(hits: Sequence[Hit], found: Found, presence: Presence | None, num_items: int) -> tuple[str, ...]:
    """Return whether the best hit means anything: by calibration, or else by how far it stands out."""
    if not found.num_searched:
        return (
            "the gallery is empty: add pictures with `aio-reid gallery add`"
            if not num_items
            else f"none of the {num_items} pictures of the gallery fulfils the filters; `aio-reid gallery stats` tells "
            "which cameras, times and columns there are",
        )
    if presence is not None:
        return (presence.text,)
    spread = found.spread
    if spread is None or spread.chance_best is None:
        return (f"fewer than {SMALLEST_GALLERY} pictures, or all alike: no telling whether a score stands out",)
    if hits and hits[0].stands_out is not None and hits[0].stands_out < spread.chance_best:
        return (
            f"no picture stands out: the best lies {hits[0].stands_out:.1f} deviations above the median, where chance "
            f"alone gives about {spread.chance_best:.1f}; the person may not be in this gallery",
        )
    return ()
