"""CUHK03 under its old protocol: rank-k over galleries of one photo a person (Li et al., "DeepReID", CVPR 2014).

For each query, photos of its person by its own camera are junk; of what is left, one photo of every person is drawn at
random, and again for every repeat. Published tables show rank-k of these draws beside the mAP of the whole gallery, so
there is a row of each. The published code draws with numpy's old generator; only means over many draws compare.

Records are those of one of the 20 splits of 1,367 and 100 persons; each split needs a model that was trained on it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError
from aio_reid.evaluation.embed import SINGLE, EmbedQueries
from aio_reid.evaluation.labels import Labels, same_camera, same_person
from aio_reid.evaluation.ranking import BoolArray
from aio_reid.evaluation.scores import ProtocolScores, RetrievalScores, TaskScores
from aio_reid.evaluation.tasks import Embedded, embed_groups, rank_embedded, require_cameras, select_test
from aio_reid.evaluation.trials import average_trials
from aio_reid.records import Modality, Record, Split

NAME = "cuhk03/single-gallery-shot"
VERSION = "1"
DRAWN, WHOLE = "photo to one photo a person", "photo to photo, whole gallery"


def evaluate_cuhk03_single_shot(
    records: Sequence[Record], embed: EmbedQueries, *, repeats: int = 10, seed: int = 0
) -> ProtocolScores:
    """Rank galleries of one photo a person, drawn for each query and repeat, and the whole gallery.

    Args:
        records: of any split; photos of "query" and "gallery" are used, each with its camera.
        embed: see `EmbedQueries`.
        repeats: galleries that are drawn for each query.
        seed: of the draws.

    Returns:
        Two rows: rank-k is read from the first, whose trials are the repeats, and mAP from the second.

    Raises:
        ConfigError: fewer than one repeat.
        DataError: there are no query or gallery photos, one has no camera, or no query has a true match.
    """
    if repeats < 1:
        raise ConfigError(f"repeats is {repeats}; give at least 1")
    queries = select_test(records, Modality.RGB, (Split.QUERY,))
    photos = select_test(records, Modality.RGB, (Split.GALLERY,))
    require_cameras([*queries, *photos], NAME)
    query, gallery = embed_groups(embed, queries, photos)
    whole = rank_embedded(WHOLE, query, gallery, lambda rows: junk_mask(query.labels[rows], gallery.labels))
    drawn = [_rank_drawn(query, gallery, (seed, repeat)) for repeat in range(repeats)]
    rows = (average_trials(DRAWN, SINGLE, drawn), TaskScores(WHOLE, SINGLE, whole))
    return ProtocolScores(NAME, VERSION, rows, left_out={})


def junk_mask(query: Labels, gallery: Labels) -> BoolArray:
    """Return (Q, G) bool: the photo shows the query's person by the query's own camera."""
    return same_person(query, gallery) & same_camera(query, gallery)


def not_drawn_mask(junk: BoolArray, gallery: Labels, seeds: Sequence[Sequence[int]]) -> BoolArray:
    """Return (Q, G) bool: all but one photo of each person, drawn for each query among the photos that are no junk.

    Args:
        junk: (Q, G) bool; junk is marked in the result too.
        gallery: G labels.
        seeds: of each query's draw, which therefore depends on no other query.
    """
    lots = np.stack([np.random.default_rng(seed).random(len(gallery)) for seed in seeds])  # (Q, G)
    lots[junk] = np.inf
    by_person = np.argsort(gallery.persons, kind="stable")
    _, starts, counts = np.unique(gallery.persons[by_person], return_index=True, return_counts=True)  # (P,) each
    lowest: NDArray[np.float64] = np.minimum.reduceat(lots[:, by_person], starts, axis=1)  # (Q, P)
    lowest_of_own = np.empty_like(lots)
    lowest_of_own[:, by_person] = np.repeat(lowest, counts, axis=1)  # (Q, G)
    return junk | (lots > lowest_of_own)


def _rank_drawn(query: Embedded, gallery: Embedded, seed: tuple[int, int]) -> RetrievalScores:
    def ignore(rows: slice) -> BoolArray:
        junk = junk_mask(query.labels[rows], gallery.labels)
        return not_drawn_mask(junk, gallery.labels, [(*seed, row) for row in range(*rows.indices(len(query)))])

    return rank_embedded(DRAWN, query, gallery, ignore)
