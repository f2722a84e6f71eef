"""All pictures of an evaluation, into one folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aio_reid.errors import StorageError
from aio_reid.evaluation.pictures.cmc import Curve, cmc_curve, cmc_svg
from aio_reid.evaluation.pictures.embedding_map import map_page, select_points
from aio_reid.evaluation.pictures.lists import STATEMENT, TEMPLATES, Thumbnails, choose_queries, ranked_page, title_of
from aio_reid.evaluation.pictures.ranked import NearestKeeper, RankedTask
from aio_reid.evaluation.record import write_text
from aio_reid.evaluation.tasks import ranking_by
from aio_reid.pages.render import render
from aio_reid.pages.text import shown
from aio_reid.progress import SILENT, Progress
from aio_reid.records import Record

INDEX, CMC = "index.html", "cmc.svg"


@dataclass(frozen=True, slots=True)
class _Row:
    title: str
    page: str
    num_queries: int
    rank1: float
    mean_ap: float


@contextmanager
def pictures_of(
    out: Path | None, *, seed: int = 0, facts: Mapping[str, str] | None = None, progress: Progress = SILENT
) -> Iterator[None]:
    """Draw pictures of all that protocols rank inside of this context, when it ends without an error.

    Args:
        out: see `write_pictures`; the folder is made at once, so that a wrong name is told before the work. None draws
            nothing.
        seed, facts, progress: see `write_pictures`.

    Raises:
        StorageError: the folder or a file cannot be written.
    """
    if out is None:
        yield
        return
    _make_folder(out)
    keeper = NearestKeeper()
    with ranking_by(keeper.rank):
        yield
    if not keeper.tasks:  # nothing could be ranked; the table says why
        return
    write_pictures(out, keeper.tasks, seed=seed, facts=facts, progress=progress)


def write_pictures(
    out: Path,
    tasks: Sequence[RankedTask],
    *,
    seed: int = 0,
    method: str | None = None,
    facts: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
) -> tuple[Path, ...]:
    """Write a page of ranked lists for each task, the CMC curves, a map of each gallery, and an index to open first.

    Args:
        out: the folder, made where it is missing; files of the same names are replaced.
        tasks: at least one.
        seed: draws queries and persons that are shown, and places the map.
        method: of the map, see `projection.project`; None takes the best that is installed.
        facts: what the foot of each page tells, name -> value.
        progress: told of every page.

    Returns:
        The files, the index first.

    Raises:
        StorageError: the folder or a file cannot be written.
        ConfigError: the method is unknown or not installed.
    """
    _make_folder(out)
    told = {"Data set": _datasets(tasks), **(facts or {})}
    galleries = _by_gallery([task for task in tasks if task.query_vectors is not None])
    rows: list[_Row] = []
    maps: list[tuple[str, str]] = []
    thumbnails = Thumbnails()
    with progress.task("Drawing", total=len(tasks) + len(galleries), unit="pages") as report:
        for number, task in enumerate(tasks, start=1):
            name = f"ranked-{number:02d}-{_slug(title_of(task))}.html"
            page = ranked_page(task, choose_queries(task.scores, seed=seed), thumbnails, told, index=INDEX)
            write_text(out / name, page)
            rows.append(_row(task, name))
            report.advance()
        for number, of_gallery in enumerate(galleries, start=1):
            name = "map.html" if len(galleries) == 1 else f"map-{number}.html"
            mapped = select_points(of_gallery, seed=seed)
            write_text(out / name, map_page(mapped, told, seed=seed, method=method, index=INDEX))
            maps.append((name, f"gallery of {len(of_gallery[0].gallery):,}, {_names(of_gallery)}"))
            report.advance()
    curves = [Curve(title_of(task), cmc_curve(task.trials), task.fusion == "late") for task in tasks]
    drawing = cmc_svg(curves)
    write_text(out / CMC, drawing)
    index = render(
        TEMPLATES, "index.html", statement=STATEMENT, rows=rows, maps=maps, cmc=drawing, facts=list(told.items())
    )
    write_text(out / INDEX, index)
    return tuple(out / name for name in (INDEX, CMC, *(row.page for row in rows), *(name for name, _ in maps)))


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the folder {out} ({error.strerror}); name another one for pictures") from error


def _by_gallery(tasks: Sequence[RankedTask]) -> list[list[RankedTask]]:
    found: dict[tuple[Record, ...], list[RankedTask]] = {}
    for task in tasks:
        found.setdefault(tuple(task.gallery), []).append(task)
    return list(found.values())


def _row(task: RankedTask, page: str) -> _Row:
    trials = task.trials
    return _Row(
        title=shown(title_of(task)),
        page=page,
        num_queries=task.scores.num_queries,
        rank1=sum(trial.rank[1] for trial in trials) / len(trials),
        mean_ap=sum(trial.mAP for trial in trials) / len(trials),
    )


def _names(tasks: Sequence[RankedTask]) -> str:
    names = list(dict.fromkeys(shown(task.task) for task in tasks))
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _datasets(tasks: Sequence[RankedTask]) -> str:
    return ", ".join(dict.fromkeys(shown(task.gallery[0].dataset) for task in tasks))


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60]
