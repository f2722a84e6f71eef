"""Search a folder of pictures with whatever is known of a person; the model is loaded only for what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import WeightsError
from aio_reid.gallery.cache import EmbeddingCache, Space, open_cache
from aio_reid.gallery.colour import colourless_notes, colourless_photos
from aio_reid.gallery.embedder import EmbedderFactory, LoadedOnce, QueryPart
from aio_reid.gallery.query import Watch, check_options, part_content, query_vector
from aio_reid.gallery.ranking import SMALLEST_GALLERY, best_first, score_spread, stands_out
from aio_reid.gallery.result import Counts, Hit, ScoreSpread, SearchResult, Timings, shown_inside
from aio_reid.gallery.scan import list_pictures
from aio_reid.gallery.vectors import GalleryVectors, Progress, embed_listing
from aio_reid.records import Modality


def search_folder(
    folder: Path,
    parts: Sequence[QueryPart],
    embedder: EmbedderFactory,
    *,
    gallery_modality: Modality = Modality.RGB,
    fusion: str = "early",
    top: int = 20,
    cache: EmbeddingCache | None = None,
    progress: Progress | None = None,
) -> SearchResult:
    """Rank the pictures of a folder by their similarity with a query made of one or more parts.

    Pictures are embedded as `gallery_modality`. Without a cache nothing is kept. A query picture that also lies in the
    folder (same content) is left out of the ranking. What is wrong with the query is found before the gallery is read.

    Raises:
        ConfigError: when `fusion`, `top` or `gallery_modality` is not allowed.
        DataError: when there is no query, no folder, no picture in it, or none that can be read.
        PictureError: when a query picture cannot be read.
        StorageError: when the cache is damaged.
    """
    check_options(parts, gallery_modality, fusion, top)
    watch = Watch()
    cache = open_cache(enabled=False) if cache is None else cache
    once = LoadedOnce(embedder)
    listing = list_pictures(folder, skip=cache.folder)
    list_s = watch.lap()
    part_contents = [part_content(part) for part in parts]
    query = query_vector(parts, part_contents, once, fusion, cache)
    query_s = watch.lap()
    space = Space(once.weights_hash, gallery_modality)
    gallery = embed_listing(listing, once, space, cache, progress or _no_progress)
    gallery_s = watch.lap()
    ranking = _rank(gallery, query.vector, frozenset(part_contents), top)
    timings = Timings(list_s, query_s, gallery_s, watch.lap(), watch.total())
    return SearchResult(
        folder=listing.folder,
        parts=tuple(parts),
        fusion=fusion,
        gallery_modality=gallery_modality,
        hits=ranking.hits,
        left_out=ranking.left_out,
        unreadable=gallery.unreadable,
        spread=ranking.spread,
        counts=_counts(gallery, len(listing.pictures), len(ranking.left_out)),
        timings=timings,
        unread_words=query.unread_words,
        weights_hash=once.weights_hash,
        notes=(
            *cache.warnings,
            *colourless_photos(parts),
            *_colour_notes(gallery, gallery_modality),
            *_notes(listing.folder, ranking),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Ranking:
    hits: tuple[Hit, ...]
    left_out: tuple[Hit, ...]
    spread: ScoreSpread | None


def _scores(gallery: GalleryVectors, query: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosine similarity of every picture with the query, float32 (G,); equal contents have equal scores."""
    if gallery.vectors.shape[1:] != query.shape:
        raise WeightsError(
            f"gallery vectors {gallery.vectors.shape[1:]} and query {query.shape} differ; clear the cache"
        )
    similarities = np.clip(gallery.vectors @ query, -1.0, 1.0)  # (K,)
    return similarities[gallery.rows]  # type: ignore[no-any-return]  # (G,)


def _rank(gallery: GalleryVectors, query: NDArray[np.float32], own: frozenset[bytes], top: int) -> _Ranking:
    """Return the ranking of all pictures but those with the content of a part of the query (`own`)."""
    scores = _scores(gallery, query)
    is_own = np.array([content in own for content in gallery.contents], dtype=np.bool_)
    others = np.sort(scores[~is_own])
    spread = score_spread(others)
    hits = _hits(gallery, scores, np.flatnonzero(~is_own), top, spread, others)
    left_out = _hits(gallery, scores, np.flatnonzero(is_own), len(scores), spread, others)
    return _Ranking(hits, left_out, spread)


def _hits(
    gallery: GalleryVectors,
    scores: NDArray[np.float32],
    positions: NDArray[np.int64],
    top: int,
    spread: ScoreSpread | None,
    others: NDArray[np.float32],
) -> tuple[Hit, ...]:
    """Return the `top` best of the pictures at `positions`; `others` are the sorted scores to compare with."""
    best = positions[best_first(scores[positions], [gallery.files[g].key for g in positions], top)]
    hits = []
    for rank, g in enumerate(best.tolist(), start=1):
        score = float(scores[g])
        margin = None if spread is None else stands_out(score, spread)
        lower = float(np.searchsorted(others, scores[g], side="left")) / max(len(others), 1)
        hits.append(
            Hit(
                rank, gallery.files[g].path, score, margin, None if margin is None else lower, gallery.contents[g].hex()
            )
        )
    return tuple(hits)


def _counts(gallery: GalleryVectors, num_listed: int, num_left_out: int) -> Counts:
    return Counts(
        listed=num_listed,
        searched=len(gallery.files) - num_left_out,
        left_out=num_left_out,
        unreadable=len(gallery.unreadable),
        embedded=gallery.num_embedded,
        from_cache=gallery.num_from_cache,
        duplicates=len(gallery.files) - len(gallery.vectors),
    )


def _notes(folder: Path, ranking: _Ranking) -> tuple[str, ...]:
    notes = [f"left out, it is the query itself: {shown_inside(folder, hit.path)}" for hit in ranking.left_out]
    best = ranking.hits[0].stands_out if ranking.hits else None
    chance = None if ranking.spread is None else ranking.spread.chance_best
    if chance is None:
        notes.append(f"fewer than {SMALLEST_GALLERY} pictures, or all alike: no telling whether a score stands out")
    elif best is not None and best < chance:
        notes.append(
            f"no picture stands out: the best lies {best:.1f} deviations above the median, where chance alone gives "
            f"about {chance:.1f}; the person may not be in this folder"
        )
    return tuple(notes)


def _colour_notes(gallery: GalleryVectors, modality: Modality) -> tuple[str, ...]:
    """Look at the pictures where some were embedded; one that knows them all opens none, and has said it before."""
    if not gallery.num_embedded:
        return ()
    return colourless_notes([file.path for file in gallery.files], modality, "give --gallery-modality infrared")


def _no_progress(step: str, done: int, total: int) -> None:
    del step, done, total
