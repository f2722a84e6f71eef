"""Tables from result files. Only in tables are fractions multiplied by 100.

A result file is the JSON that `aio-reid evaluate` or a script in `benchmarks/` writes; its "kind" chooses the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from aio_reid.errors import DataError
from aio_reid.evaluation.calibration_tables import KIND as CALIBRATION
from aio_reid.evaluation.calibration_tables import calibration_table, infrared_calibration_table, mixed_ranking_table
from aio_reid.evaluation.claims_tables import KIND as CLAIMS
from aio_reid.evaluation.claims_tables import claims_table, combinations_table, differences_table
from aio_reid.evaluation.gallery_table import (
    ENROL,
    MILLION,
    enrol_speed_table,
    gallery_million_table,
    gallery_store_table,
)
from aio_reid.evaluation.gallery_table import KIND as GALLERY_STORE
from aio_reid.evaluation.service_table import KIND as SERVICE
from aio_reid.evaluation.service_table import service_table
from aio_reid.evaluation.suite_tables import KIND as ZERO_SHOT
from aio_reid.evaluation.suite_tables import suite_table
from aio_reid.evaluation.table import (
    DASH,
    Result,
    Table,
    describe_count,
    describe_origin,
    group_by_fusion,
    percent,
    to_csv,
    to_markdown,
)

__all__ = ["Table", "make_table", "read_result", "to_csv", "to_markdown"]


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


def make_table(result: Result, view: str | None = None) -> Table:
    """Return the table of a result; `view` names another one, where its kind has several.

    Raises:
        DataError: the result lacks something that its kind must have, or has no such view.
    """
    try:
        if view is None:
            return TABLES[result["kind"]](result)
        views = VIEWS.get(result["kind"], {})
        if view not in views:
            has = ", ".join(views) or "no other tables"
            raise DataError(f"a result of kind {result['kind']!r} has no view {view!r}; it has: {has}")
        return views[view](result)
    except (KeyError, TypeError) as error:
        raise DataError(f"a result of kind {result.get('kind')!r} lacks {error}; make the result anew") from error


def evaluation_table(result: Result) -> Table:
    """Return one row a task; early and late fusion of the same task stand in one row."""
    of_task = group_by_fusion(result["tasks"], "task") | group_by_fusion(result.get("averages", ()), "name")
    header = ("query", "queries", "R1", "R5", "R10", "mAP", "mINP", "R1 late", "mAP late")
    sizes = sorted({task["num_gallery"] for task in result["tasks"]}) or [0]
    without = sorted(
        {f"{describe_count(t, 'num_without_match')} ({t['task']})" for t in result["tasks"] if t["num_without_match"]}
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
    return Table(
        header, tuple(_task_row(task, fused) for task, fused in of_task.items()), (*notes, describe_origin(result))
    )


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
    return Table(header, rows, (f"{ratio} {memory}", describe_origin(result)))


def search_speed_table(result: Result) -> Table:
    """Return the wall time of searches of one folder, each a process of its own."""
    rows = tuple((search["what"], f"{search['seconds']:.2f}") for search in result["searches"])
    note = f"A folder of {result['num_pictures']} pictures; wall time of the whole command, process start included."
    return Table(("search", "seconds"), rows, (note, describe_origin(result)))


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
    return Table(header, tuple(rows), (*notes, describe_origin(result)))


def training_speed_table(result: Result) -> Table:
    """Return one row for each way to make a step, each way to feed it, and each classifier."""
    header = (
        "configuration and way",
        "seconds a step, median",
        "times the plain loop",
        "peak MiB",
        "tuples per second",
    )
    rows = []
    for run in result["runs"]:
        for way in run["ways"]:
            times = DASH if way["times_plain"] is None else f"{way['times_plain']:.2f}"
            rate = f"{run['tuples'] / way['median_s']:.1f}"
            name = f"{run['config']}: {way['what']}"
            rows.append((name, f"{way['median_s']:.3f}", times, str(way["peak_mib"]), rate))
    for run in result["runs"]:
        for fed in run["pipeline"]:
            name = f"{run['config']}: data pipeline, {fed['what']}, {percent(fed, 'ratio')} % of cached tensors"
            rows.append((name, f"{run['tuples'] / fed['tuples_per_s']:.3f}", DASH, DASH, f"{fed['tuples_per_s']:.1f}"))
    for kind in result["classifier"]:
        name = f"classifier alone, {kind['identities']:,} x {kind['width']}: {kind['what']}"
        rows.append((name, f"{kind['median_s']:.3f}", DASH, str(kind["peak_mib"]), DASH))
    sizes = ["x".join(map(str, run["image_size"])) for run in result["runs"]]
    batches = [
        f"{run['config']} {run['tuples']} tuples of {size}" for run, size in zip(result["runs"], sizes, strict=True)
    ]
    notes = (
        f"Batches: {', '.join(batches)}; {result['identities']} drawn people, {result['device']}, threads: "
        f"{result['threads']}.",
        "Ways take turns on the same tensors; the plain loop has the precision of the way it is compared with. Peak "
        "memory is what two steps add to a fresh process, model and batch included.",
    )
    return Table(header, tuple(rows), (*notes, describe_origin(result)))


TABLES: Mapping[str, Callable[[Result], Table]] = {
    "evaluation": evaluation_table,
    "embed_speed": embed_speed_table,
    "search_speed": search_speed_table,
    "evaluation_speed": evaluation_speed_table,
    "training_speed": training_speed_table,
    ZERO_SHOT: suite_table,
    CLAIMS: claims_table,
    GALLERY_STORE: gallery_store_table,
    CALIBRATION: calibration_table,
    MILLION: gallery_million_table,
    ENROL: enrol_speed_table,
    SERVICE: service_table,
}
VIEWS: Mapping[str, Mapping[str, Callable[[Result], Table]]] = {
    CLAIMS: {"differences": differences_table, "combinations": combinations_table},
    CALIBRATION: {"infrared": infrared_calibration_table, "mixed": mixed_ranking_table},
}
"""Further tables of one result; in documents they are marked table:NAME:VIEW."""


def _task_row(task: str, fused: Mapping[str, Result]) -> tuple[str, ...]:
    first = fused.get("single") or fused.get("early")
    late = fused.get("late")
    known: Result = first or late or {}
    ranks = tuple(percent(first, "rank", k) for k in ("1", "5", "10"))
    means = (percent(first, "mAP"), percent(first, "mINP"), percent(late, "rank", "1"), percent(late, "mAP"))
    return (task, describe_count(known, "num_queries"), *ranks, *means)
