"""Tri-CUHK-PEDES, Tri-ICFG-PEDES, Tri-RSTPReid: sentences, sketches and both search photos (Chen et al., "Towards
Modality-Agnostic Person Re-identification with Descriptive Query", CVPR 2023).

Every photo has sentences and a machine-made sketch. Sentences rank all photos; then sentences, sketches, and every
sentence with the sketch of the same photo rank all photos but the one that they were made from. Persons with a single
photo have no match left then: their queries are counted, not scored. Rank-k counts photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.evaluation.embed import EARLY, LATE, EmbedQueries
from aio_reid.evaluation.ranking import BoolArray
from aio_reid.evaluation.scores import ProtocolScores
from aio_reid.evaluation.tasks import Ignore, rank_tasks, select_test, singles
from aio_reid.records import Modality, Query, Record

NAME = "tri-modal"
VERSION = "1"
TEXT_ALL, TEXT = "text to photo, full gallery", "text to photo"
SKETCH, BOTH = "sketch to photo", "sketch + text to photo"


def evaluate_tri_modal(
    records: Sequence[Record], embed: EmbedQueries, *, fusions: Sequence[str] = (EARLY, LATE)
) -> ProtocolScores:
    """Rank the photos for sentences, sketches, and pairs of both.

    Args:
        records: of any split; sentences, sketches and photos of "query" and "gallery" are used. The `source_image_id`
            of a sentence or sketch is the end of the path of the photo that it was made from.
        embed: see `EmbedQueries`.
        fusions: any of "early" and "late", for sketch and sentence together; the published scripts add the features of
            both before they are normalised.

    Raises:
        DataError: a modality is missing, a sentence or sketch names no source or one that is not in the gallery, a
            photo has two sketches or two photos have one name, or no query has a true match.
    """
    texts, sketches = select_test(records, Modality.TEXT), select_test(records, Modality.SKETCH)
    photos = select_test(records, Modality.RGB)
    of_text, of_sketch = find_sources(texts, photos), find_sources(sketches, photos)  # (T,), (S,)
    sketch_of = dict(zip(of_sketch.tolist(), sketches, strict=True))
    if len(sketch_of) < len(sketches):
        raise DataError(
            f"{len(sketches)} sketches were made from {len(sketch_of)} photos; {NAME} takes one of each photo"
        )
    paired = np.isin(of_text, of_sketch)  # (T,)
    pairs: list[Query] = [
        (sketch_of[source], text) for text, source in zip(texts, of_text.tolist(), strict=True) if source in sketch_of
    ]
    asked = {TEXT_ALL: singles(texts), TEXT: singles(texts), SKETCH: singles(sketches), BOTH: pairs}
    sources = {TEXT: of_text, SKETCH: of_sketch, BOTH: of_text[paired]}
    ignore = {task: _ignore_source(of_task, len(photos)) for task, of_task in sources.items()}
    rows = rank_tasks(asked, photos, embed, fusions=fusions, ignore=ignore)
    left_out = {} if pairs else {BOTH: "no sentence has a sketch of the same photo"}
    return ProtocolScores(NAME, VERSION, rows, left_out)


def find_sources(made: Sequence[Record], photos: Sequence[Record]) -> NDArray[np.int64]:
    """Return (Q,) int64, the row of the photo that each sentence or sketch was made from.

    Raises:
        DataError: one names no source, a source is not among the photos, or is the end of several paths.
    """
    rows: dict[str, list[int]] = {}
    for row, photo in enumerate(photos):
        for name in _path_ends(photo.image_path):
            rows.setdefault(name, []).append(row)
    found = []
    for record in made:
        of_source = rows.get(record.source_image_id or "", [])
        if len(of_source) != 1:
            raise DataError(
                f"a {record.modality.label} of person {record.person_id!r} was made from {record.source_image_id!r}, "
                f"which fits {len(of_source)} of {len(photos)} photos, not 1; give the path below the folder of photos"
            )
        found += of_source
    return np.array(found, dtype=np.int64)


def source_mask(sources: NDArray[np.int64], num_photos: int) -> BoolArray:
    """Return (Q, G) bool: the query was made from that photo.

    Args:
        sources: (Q,) int64, see `find_sources`.
        num_photos: G.
    """
    mask: NDArray[np.bool_] = sources[:, None] == np.arange(num_photos)[None, :]
    return mask


def _ignore_source(sources: NDArray[np.int64], num_photos: int) -> Ignore:
    return lambda rows: source_mask(sources[rows], num_photos)


def _path_ends(path: PurePath | None) -> list[str]:
    parts = () if path is None else path.parts
    return ["/".join(parts[start:]) for start in range(len(parts))]
