"""Ranked lists: chosen queries of a task with their nearest gallery entries, as one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aio_reid.errors import PictureError
from aio_reid.evaluation.pictures.ranked import RankedTask
from aio_reid.evaluation.scores import RetrievalScores
from aio_reid.pages.render import RankedPicture, ShownPart, render
from aio_reid.pages.text import shown
from aio_reid.pages.thumbnails import Thumbnail, read_thumbnail
from aio_reid.records import Record

TEMPLATES = Path(__file__).with_name("templates")
STATEMENT = (
    "These rankings are compared with the labels of a data set. They show how a model fares on that data; they say "
    "nothing of whether it is right about any other person."
)


@dataclass(frozen=True, slots=True)
class ChosenQuery:
    """A query that is shown: its row, and why it was chosen."""

    row: int
    why: str


@dataclass(frozen=True, slots=True)
class _ShownQuery:
    title: str
    verdict: str
    parts: list[ShownPart]
    hits: list[RankedPicture]


class Thumbnails:
    """Reads each picture once, however many lists it stands in."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Thumbnail | None, str]] = {}

    def read(self, path: Path) -> tuple[Thumbnail | None, str]:
        """Return a small copy, or None and why there is none."""
        if path not in self._known:
            try:
                self._known[path] = (read_thumbnail(path), "")
            except PictureError as error:
                self._known[path] = (None, str(error))
        return self._known[path]


def choose_queries(
    scores: RetrievalScores,
    *,
    num_worst: int = 3,
    num_median: int = 2,
    num_best: int = 2,
    num_drawn: int = 3,
    seed: int,
) -> list[ChosenQuery]:
    """Choose scored queries by their average precision, and some at random.

    Equal values keep the order of the queries. No query is chosen twice: the best are taken first, then the worst, the
    ones around the median, and draws from what is left; they are returned worst first.

    Args:
        seed: of the draws.
    """
    precision = scores.average_precision
    order = [int(row) for row in np.argsort(-precision, kind="stable") if not np.isnan(precision[row])]  # best first
    middle = sorted(range(len(order)), key=lambda place: abs(place - (len(order) - 1) / 2))
    drawn = np.random.default_rng(seed).permutation(order).tolist()
    wanted = {
        "best": (order, num_best),
        "worst": (order[::-1], num_worst),
        "median": ([order[place] for place in middle], num_median),
        "drawn": (drawn, num_drawn),
    }
    taken: dict[str, list[int]] = {}
    for why, (rows, number) in wanted.items():
        before = {row for found in taken.values() for row in found}
        taken[why] = [row for row in rows if row not in before][:number]
    return [ChosenQuery(row, why) for why in ("worst", "median", "best", "drawn") for row in taken[why]]


def ranked_page(
    task: RankedTask, chosen: list[ChosenQuery], thumbnails: Thumbnails, facts: Mapping[str, str], index: str = ""
) -> str:
    """Return the page of a task: each chosen query and its nearest entries, hits framed green, misses red.

    Args:
        task: the ranking.
        chosen: see `choose_queries`.
        thumbnails: shared by the pages of one evaluation.
        facts: what the foot tells, name -> value.
        index: the file that the page links back to.
    """
    scores = task.scores
    return render(
        TEMPLATES,
        "ranked.html",
        title=shown(title_of(task)),
        statement=STATEMENT,
        facts=list(facts.items()),
        num_queries=scores.num_queries,
        num_gallery=scores.num_gallery,
        rank1=scores.rank[1],
        mean_ap=scores.mAP,
        num_trials=len(task.trials),
        queries=[_shown_query(task, one, thumbnails) for one in chosen],
        index=index,
    )


def title_of(task: RankedTask) -> str:
    """Return the task, and the fusion where there is any."""
    return task.task if task.fusion == "single" else f"{task.task}, {task.fusion} fusion"


def _shown_query(task: RankedTask, chosen: ChosenQuery, thumbnails: Thumbnails) -> _ShownQuery:
    row, query = chosen.row, task.queries[chosen.row]
    nearest = zip(task.nearest[row].tolist(), task.cosines[row], task.is_match[row].tolist(), strict=True)
    hits = [
        _shown_hit(rank, task.gallery[column], float(cosine), is_match, thumbnails)
        for rank, (column, cosine, is_match) in enumerate(nearest, start=1)
        if column >= 0
    ]
    first = next((hit.rank for hit in hits if hit.is_match), None)
    place = f"first match at rank {first}" if first else f"no match among the first {len(hits)}"
    return _ShownQuery(
        title=f"{chosen.why.capitalize()}: person {shown(query[0].person_id)}",
        verdict=f"AP {100 * task.scores.average_precision[row]:.1f} %, {place}",
        parts=[_shown_part(record, thumbnails) for record in query],
        hits=hits,
    )


def _shown_part(record: Record, thumbnails: Thumbnails) -> ShownPart:
    if record.image_path is None:
        return ShownPart(record.modality, words_of(record), "", "", None)
    picture, problem = thumbnails.read(record.image_path)
    return ShownPart(record.modality, "", "", shown(record.image_path, only_name=True), picture, problem)


def _shown_hit(rank: int, record: Record, cosine: float, is_match: bool, thumbnails: Thumbnails) -> RankedPicture:
    score = f"{cosine:.3f}"
    if record.image_path is None:
        return RankedPicture(rank, "", score, is_match, None, words=words_of(record))
    picture, problem = thumbnails.read(record.image_path)
    return RankedPicture(rank, shown(record.image_path, only_name=True), score, is_match, picture, problem)


def words_of(record: Record) -> str:
    """Return a caption in one line, safe to show."""
    return shown(" ".join((record.caption or "").split()))
