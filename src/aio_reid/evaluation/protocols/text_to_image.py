"""Sentences search photos, and photos sentences: CUHK-PEDES, ICFG-PEDES and RSTPReid (Li et al., CVPR 2017).

Every sentence of the test split ranks all test photos, the one that it describes among them; there is no camera rule.
Rank-k counts gallery entries. The other direction ranks all sentences for every photo.

Published code disagrees where the protocol does not matter and where it does: here AP has no interpolation (SSAN and
PLIP take trapezoids), a query without a true match is counted and not scored (IRRA counts it as a miss or fails, PLIP
divides by it, UNIReID returns NaN), and the described photo stays in (SSAN's second evaluation and the Tri sets of
UNIReID take it out; the latter is the protocol tri-modal).
"""

from __future__ import annotations

from collections.abc import Sequence

from aio_reid.evaluation.embed import SINGLE, EmbedQueries
from aio_reid.evaluation.scores import ProtocolScores, TaskScores
from aio_reid.evaluation.tasks import embed_groups, rank_embedded, select_test
from aio_reid.records import Modality, Record

NAME = "text-to-image"
VERSION = "1"
TO_PHOTO, TO_TEXT = "text to photo", "photo to text"


def evaluate_text_to_image(records: Sequence[Record], embed: EmbedQueries) -> ProtocolScores:
    """Rank all photos for every sentence, and all sentences for every photo.

    Args:
        records: of any split; sentences and photos of "query" and "gallery" are used, whichever of the two.
        embed: see `EmbedQueries`.

    Raises:
        DataError: there are no sentences or no photos, or no query has a true match.
    """
    texts, photos = embed_groups(embed, select_test(records, Modality.TEXT), select_test(records, Modality.RGB))
    rows = (
        TaskScores(TO_PHOTO, SINGLE, rank_embedded(TO_PHOTO, texts, photos)),
        TaskScores(TO_TEXT, SINGLE, rank_embedded(TO_TEXT, photos, texts)),
    )
    return ProtocolScores(NAME, VERSION, rows, left_out={}, gallery="photos or sentences")
