"""ORBench: infrared, colour pencil, sketch, text and all their combinations search photos (Zuo et al., "ReID5o", 2025).

A task is named by its modalities, e.g. "SK+NIR": the first one leads, and all test items of it are listed once, each
with partners of the same person; the others follow in the order NIR, CP, SK, TEXT. "NIR+SK" and "SK+NIR" are therefore
different lists of queries. Four tasks of one modality, twelve of two, twelve of three and four of all four rank all
photos, without a camera rule; rank-k counts photos. The tasks of one size are averaged, each counting the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from aio_reid.errors import DataError
from aio_reid.evaluation.embed import EARLY, LATE, EmbedQueries
from aio_reid.evaluation.scores import ProtocolScores, TaskAverage, TaskScores
from aio_reid.evaluation.tasks import rank_tasks
from aio_reid.evaluation.trials import average
from aio_reid.records import Modality, Query, Record

NAME = "orbench"
VERSION = "1"
MODALITIES: Mapping[str, Modality] = {
    "NIR": Modality.INFRARED,
    "CP": Modality.PENCIL,
    "SK": Modality.SKETCH,
    "TEXT": Modality.TEXT,
}
SIZES = {1: "one modality", 2: "two modalities", 3: "three modalities", 4: "four modalities"}


def _lead_each(names: Sequence[str]) -> list[str]:
    return ["+".join((leader, *(name for name in names if name != leader))) for leader in names]


TASKS: tuple[str, ...] = tuple(
    task for size in SIZES for names in combinations(MODALITIES, size) for task in _lead_each(names)
)
"""The 32 tasks in the order of the published table."""


def evaluate_orbench(
    tasks: Mapping[str, Sequence[Query]],
    gallery: Sequence[Record],
    embed: EmbedQueries,
    *,
    fusions: Sequence[str] = (EARLY, LATE),
) -> ProtocolScores:
    """Rank all photos for the queries of every task, and average the tasks of each size.

    Args:
        tasks: name -> its queries; the records of a query stand in the order of the name.
        gallery: the photos.
        embed: see `EmbedQueries`.
        fusions: any of "early" and "late", for queries of several modalities.

    Returns:
        A row for each task and fusion, and the averages. A task without queries, and an average that lacks a task, are
        left out.

    Raises:
        DataError: there are no photos, an unknown task, a query that does not fit its task, nothing to score, or no
            query of a task has a true match.
    """
    unknown = sorted(set(tasks) - set(TASKS))
    if unknown:
        raise DataError(f"unknown task {unknown[0]!r}; choose among: {', '.join(TASKS)}")
    asked = {task: tasks[task] for task in TASKS if tasks.get(task)}
    if not gallery or not asked:
        raise DataError(f"there are no {'queries' if gallery else 'photos'}; give the test part of ORBench")
    for task, queries in asked.items():
        _check_order(task, queries)
    rows = rank_tasks(asked, gallery, embed, fusions=fusions)
    left_out = {
        task: "there are no such queries, or none that these weights read" for task in TASKS if task not in asked
    }
    averages, incomplete = _average_sizes(rows)
    return ProtocolScores(NAME, VERSION, rows, left_out | incomplete, averages)


def _check_order(task: str, queries: Sequence[Query]) -> None:
    wanted = [MODALITIES[name] for name in task.split("+")]
    for query in queries:
        held = [record.modality for record in query]
        if held != wanted:
            raise DataError(
                f"a query of person {query[0].person_id!r} in task {task!r} holds {', '.join(held)}; "
                f"its records must be {', '.join(wanted)}, in this order"
            )


def _average_sizes(rows: Sequence[TaskScores]) -> tuple[tuple[TaskAverage, ...], dict[str, str]]:
    averages: list[TaskAverage] = []
    incomplete: dict[str, str] = {}
    for size, words in SIZES.items():
        name = f"average of {words}"
        num_tasks = sum(task.count("+") == size - 1 for task in TASKS)
        of_size = [row for row in rows if row.task.count("+") == size - 1]
        for fusion in dict.fromkeys(row.fusion for row in of_size):
            scores = [row.scores for row in of_size if row.fusion == fusion]
            if len(scores) == num_tasks:
                averages.append(TaskAverage(name, fusion, average(scores)))
        if len({row.task for row in of_size}) < num_tasks:
            incomplete[name] = f"{len({row.task for row in of_size})} of {num_tasks} tasks could be scored"
    return tuple(averages), incomplete
