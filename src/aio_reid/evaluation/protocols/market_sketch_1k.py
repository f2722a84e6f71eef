"""Market-Sketch-1K: sketches by six artists search photos (Lin et al., "Beyond Domain Gap", ACM Multimedia 2023).

There is no camera rule, and rank-k counts photos. Sketches of one style are queries of their own row, those of all
styles together are the single-query row, and in the multi-query row all sketches of a person are one query. The
published code pads that query with black pictures to six; here a query has as many sketches as there are.
"""

from __future__ import annotations

from collections.abc import Sequence

from aio_reid.evaluation.embed import EARLY, LATE, EmbedQueries
from aio_reid.evaluation.scores import ProtocolScores
from aio_reid.evaluation.tasks import rank_tasks, select_test, singles
from aio_reid.records import Modality, Query, Record

NAME = "market-sketch-1k"
VERSION = "1"
ALL_STYLES, MULTI_QUERY = "sketch to photo, all styles", "all sketches of a person to photo"


def evaluate_market_sketch_1k(
    records: Sequence[Record], embed: EmbedQueries, *, fusions: Sequence[str] = (EARLY, LATE)
) -> ProtocolScores:
    """Rank all photos for the sketches of each style, for all of them, and for all sketches of each person.

    Args:
        records: of any split; sketches and photos of "query" and "gallery" are used. A sketch's camera id is its style.
        embed: see `EmbedQueries`.
        fusions: any of "early" and "late", for several sketches of a person.

    Returns:
        A row for each style, one for all styles, and one for each fusion of a person's sketches. Where a sketch has no
        style, the rows of styles are left out.

    Raises:
        DataError: there are no sketches or no photos, or no query of a row has a true match.
    """
    sketches, photos = select_test(records, Modality.SKETCH), select_test(records, Modality.RGB)
    styles = sorted({sketch.camera_id for sketch in sketches if sketch.camera_id is not None})
    unstyled = sum(sketch.camera_id is None for sketch in sketches)
    asked: dict[str, Sequence[Query]] = {}
    if not unstyled:
        of_style = {style: [sketch for sketch in sketches if sketch.camera_id == style] for style in styles}
        asked = {f"sketch to photo, style {style}": singles(found) for style, found in of_style.items()}
    asked |= {ALL_STYLES: singles(sketches), MULTI_QUERY: join_by_person(sketches)}
    left_out = (
        {"sketch to photo, by style": f"{unstyled} of {len(sketches)} sketches have no style"} if unstyled else {}
    )
    return ProtocolScores(NAME, VERSION, rank_tasks(asked, photos, embed, fusions=fusions), left_out)


def join_by_person(sketches: Sequence[Record]) -> list[Query]:
    """Return one query for each person, of all sketches, by style; persons in the order of their first sketch."""
    of_person: dict[str, list[Record]] = {}
    for sketch in sketches:
        of_person.setdefault(sketch.person_id, []).append(sketch)
    return [tuple(sorted(found, key=lambda sketch: sketch.camera_id or "")) for found in of_person.values()]
