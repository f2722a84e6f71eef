"""Photo to photo across cameras: Market-1501, MSMT17 and CUHK03 under its new protocol.

Every query photo ranks the whole gallery, but for photos of its person by its own camera (Zheng et al., "Scalable
Person Re-identification: A Benchmark", ICCV 2015). Rank-k counts pictures. No person is special here: the distractors
of Market-1501 (person "0") are persons whom nobody asks for, and its junk (person "-1") never leaves the parser.

The official Matlab code of Market-1501 and CUHK03 gives other numbers on purpose: trapezoidal AP, and queries without
a match as zeros. Here, as in the published Python code, AP has no interpolation and such queries are counted, not
scored.
"""

from __future__ import annotations

from collections.abc import Sequence

from aio_reid.evaluation.embed import SINGLE, EmbedQueries
from aio_reid.evaluation.labels import Labels, same_camera, same_person
from aio_reid.evaluation.ranking import BoolArray
from aio_reid.evaluation.scores import ProtocolScores, TaskScores
from aio_reid.evaluation.tasks import embed_groups, rank_embedded, require_cameras, select_test
from aio_reid.records import Modality, Record, Split

NAME = "cross-camera"
VERSION = "1"
TASK = "photo to photo"


def evaluate_cross_camera(records: Sequence[Record], embed: EmbedQueries) -> ProtocolScores:
    """Rank the photos of the gallery split for each photo of the query split.

    Args:
        records: of any split; photos of "query" and "gallery" are used, each with its camera.
        embed: see `EmbedQueries`.

    Raises:
        DataError: there are no query or gallery photos, one has no camera, or no query has a true match.
    """
    queries = select_test(records, Modality.RGB, (Split.QUERY,))
    photos = select_test(records, Modality.RGB, (Split.GALLERY,))
    require_cameras([*queries, *photos], NAME)
    query, gallery = embed_groups(embed, queries, photos)
    scores = rank_embedded(TASK, query, gallery, lambda rows: junk_mask(query.labels[rows], gallery.labels))
    return ProtocolScores(NAME, VERSION, (TaskScores(TASK, SINGLE, scores),), left_out={})


def junk_mask(query: Labels, gallery: Labels) -> BoolArray:
    """Return (Q, G) bool: the photo shows the query's person by the query's own camera."""
    return same_person(query, gallery) & same_camera(query, gallery)
