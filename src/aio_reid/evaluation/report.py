"""Tables from result files. Only here are fractions multiplied by 100.

A result file is the JSON that `aio-reid evaluate` or a script in `benchmarks/` writes; its "kind" chooses the table.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aio_reid.errors import DataError

Result = Mapping[str, Any]
"""A result file as plain data."""

DASH = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """A table for people.

    Attributes:
        header: the names of the columns.
        rows: the cells, ready to print; as many in each row as in the header.
        notes: sentences below the table: what was measured, by which command, on what.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def read_result(path: Path) -> Result:
    """Read a result file.

    Raises:
        DataError: the file is missing, is not JSON, or is of no known kind.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}; make the result first, or correct the name") from error
    except ValueError as error:
        raise DataError(f"{path} is not a JSON file ({error}); make the result anew") from error
    if not isinstance(result, dict) or result.get("kind") not in TABLES:
        raise DataError(f"{path} is not a result of a known kind; its 'kind' must be one of: {', '.join(TABLES)}")
    return result


def make_table(result: Result) -> Table:
    """Return the table of a result.

    Raises:
        DataError: the result lacks something that its kind must have.
    """
    try:
        return TABLES[result["kind"]](result)
    except (KeyError, TypeError) as error:
        raise DataError(f"a result of kind {result.get('kind')!r} lacks {error}; make the result anew") from error


def to_markdown(table: Table) -> str:
    """Return the table in GitHub's Markdown, the first column to the left and the others to the right, notes below."""
    lines = [_markdown_row(table.header), "|---|" + "---:|" * (len(table.header) - 1)]
    lines += [_markdown_row(row) for row in table.rows]
    return "\n".join([*lines, *(f"\n{note}" for note in table.notes)])


def to_csv(table: Table) -> str:
    """Return the table as CSV, without the notes."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([table.header, *table.rows])
    return text.getvalue()


def evaluation_table(result: Result) -> Table:
    """Return one row a task; early and late fusion of the same task stand in one row."""
    of_task = _by_fusion(result["tasks"], "task") | _by_fusion(result.get("averages", ()), "name")
    header = ("query", "queries", "R1", "R5", "R10", "mAP", "mINP", "R1 late", "mAP late")
    sizes = sorted({task["num_gallery"] for task in result["tasks"]}) or [0]
    without = sorted(
        {f"{_count(t, 'num_without_match')} ({t['task']})" for t in result["tasks"] if t["num_without_match"]}
    )
    trials = sorted({len(t["trials"]) for t in result["tasks"] if t.get("trials")})
    protocol = result["protocol"]
    held = f"{' or '.join(str(size) for size in sizes)} {protocol.get('gallery', 'photos')}"
    notes = [
        f"{result['dataset']['name']}, protocol {protocol['name']} version {protocol['version']}, "
        f"gallery of {held}, weights {result['weights']['name']} "
        f"({result['weights']['sha256'][:12]}), in percent. Several modalities are fused early, but in the columns "
        "called late."
    ]
    notes += [f"Rows whose queries are asked in {num} trials show the mean of the trials." for num in trials]
    notes += [f"Queries without a true match, not scored: {', '.join(without)}."] if without else []
    notes += [f"Not scored: {task}: {why}." for task, why in result["left_out"].items()]
    return Table(header, tuple(_task_row(task, fused) for task, fused in of_task.items()), (*notes, _origin(result)))


def embed_speed_table(result: Result) -> Table:
    """Return the time of embedding picture files beside that of the bare encoder."""
    header = ("what", "seconds, median", "seconds, all", "pictures/s")
    rows = tuple(
        (
            way["what"],
            f"{way['median_s']:.2f}",
            " ".join(f"{seconds:.2f}" for seconds in way["seconds"]),
            f"{result['num_pictures'] / way['median_s']:.0f}",
        )
        for way in result["ways"]
    )
    ratio = (
        f"{result['num_pictures']} pictures, {result['threads']} threads; ratio of the medians {result['ratio']:.2f}."
    )
    memory = f"Peak memory of a process that embeds them: {result['peak_memory_mib']:.0f} MiB."
    return Table(header, rows, (f"{ratio} {memory}", _origin(result)))


def search_speed_table(result: Result) -> Table:
    """Return the wall time of searches of one folder, each a process of its own."""
    rows = tuple((search["what"], f"{search['seconds']:.2f}") for search in result["searches"])
    note = f"A folder of {result['num_pictures']} pictures; wall time of the whole command, process start included."
    return Table(("search", "seconds"), rows, (note, _origin(result)))


def evaluation_speed_table(result: Result) -> Table:
    """Return one row for each way of each task: its time, how many times that of our way it is, and its memory."""
    header = ("task and way", "queries", "seconds, median", "times ours", "peak MiB over the features")
    rows = []
    for task in result["tasks"]:
        ours = task["ways"][0]
        for way in task["ways"]:
            ratio = (way["median_s"] / way["num_queries"]) / (ours["median_s"] / ours["num_queries"])
            name = f"{task['task']}: {way['what']}"
            numbers = (str(way["num_queries"]), f"{way['median_s']:.2f}", f"{ratio:.1f}", str(way["peak_mib"]))
            rows.append((name, *numbers))
    sizes = [f"{task['task']} {task['num_queries']} x {task['num_gallery']}" for task in result["tasks"]]
    size = "the full size" if result["scale"] == 1 else f"{result['scale']:g} of the full size"
    notes = (
        f"Queries x gallery, at {size}: {', '.join(sizes)}; float32 features of width {result['width']}, "
        f"threads: {result['threads']}.",
        "Each way runs in fresh processes that hold the features before the measurement begins; where a way is given "
        "fewer queries, times ours is per query. All ways of a task that are given the same queries find the same "
        "scores.",
    )
    return Table(header, tuple(rows), (*notes, _origin(result)))


TABLES: Mapping[str, Callable[[Result], Table]] = {
    "evaluation": evaluation_table,
    "embed_speed": embed_speed_table,
    "search_speed": search_speed_table,
    "evaluation_speed": evaluation_speed_table,
}


def _by_fusion(rows: Iterable[Result], name: str) -> dict[str, dict[str, Result]]:
    found: dict[str, dict[str, Result]] = {}
    for row in rows:
        found.setdefault(row[name], {})[row["fusion"]] = row
    return found


def _count(row: Result, key: str) -> str:
    """Queries are counted over all trials: "30 × 10" where each of 10 trials has 30, their sum otherwise."""
    if key not in row:
        return DASH
    trials = row.get("trials", ())
    return f"{trials[0][key]} × {len(trials)}" if trials and len({t[key] for t in trials}) == 1 else str(row[key])


def _task_row(task: str, fused: Mapping[str, Result]) -> tuple[str, ...]:
    first = fused.get("single") or fused.get("early")
    late = fused.get("late")
    known: Result = first or late or {}
    ranks = tuple(_percent(first, "rank", k) for k in ("1", "5", "10"))
    means = (_percent(first, "mAP"), _percent(first, "mINP"), _percent(late, "rank", "1"), _percent(late, "mAP"))
    return (task, _count(known, "num_queries"), *ranks, *means)


def _percent(scores: Result | None, *keys: str) -> str:
    if scores is None:
        return DASH
    value: Any = scores
    for key in keys:
        value = value[key]
    return f"{100 * value:.1f}"


def _origin(result: Result) -> str:
    """The command that repeats the result, and what it ran on."""
    provenance = result["provenance"]
    hardware = provenance["hardware"]
    commit = (provenance["commit"] or "unknown")[:10] + (" with changes" if provenance["dirty"] else "")
    machine = hardware["gpu"] or f"{hardware['cores']} cores of {hardware['cpu']}"
    seed = "" if result.get("seed") is None else f", seed {result['seed']}"
    return f"`{result['command']}` (commit {commit}{seed}, {machine}, {provenance['time_utc'][:10]})"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
