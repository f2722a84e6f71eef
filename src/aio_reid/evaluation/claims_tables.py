"""The tables of benchmarks/claims.py: variants, their differences from one another, and every combination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aio_reid.evaluation.table import DASH, Result, Table, describe_origin

KIND = "claims"
FULL = "full"
COLUMNS = {
    "R": "R single",
    "I": "I single",
    "S": "S single",
    "T": "T single",
    "RIST early": "RIST early",
    "RIST late": "RIST late",
}
"""Heading -> cell of a result."""
METRICS = ("rank1", "mAP")
CLEAR_MARK = "*"
FUSIONS = ("early", "late", "late, equal")


def claims_table(result: Result) -> Table:
    """Return one row a variant: rank-1 / mAP, mean ± sample deviation over the seeds, and what training took."""
    rows = tuple(
        (row["title"], *(_values(row["cells"].get(cell)) for cell in COLUMNS.values()), f"{row['training_s']:.0f}")
        for row in result["rows"]
    )
    clear = [f"{row['title']} ({', '.join(found)})" for row in result["rows"] if (found := _clear_cells(row))]
    notes = [
        f"Rank-1 / mAP in percent, mean ± sample deviation over {_seeds(result)}; seconds are those of the training "
        "steps of a run. RIST late counts each modality by a factor chosen on other people.",
        " ".join(f"*{row['title']}*: {row['changed']}" for row in result["rows"]),
        "Differences of mAP that exceed twice their standard error (paired by seed, from the row that each is compared "
        f"with): {'; '.join(clear) or 'none'}. With so few seeds this is a hint and no strict test.",
        *_shared_notes(result),
    ]
    return Table(("variant", *COLUMNS, "seconds"), rows, tuple(notes))


def differences_table(result: Result) -> Table:
    """Return the difference of every row from the one that it is compared with, paired by seed."""
    titles = {row["name"]: row["title"] for row in result["rows"]}
    compared = [row for row in result["rows"] if row["differences"]]
    rows = tuple(
        (
            row["title"],
            titles[row["against"]],
            *(_differences(row["differences"].get(cell)) for cell in COLUMNS.values()),
        )
        for row in compared
    )
    notes = (
        f"Differences of rank-1 / mAP in points, paired by seed, mean ± sample deviation over {_seeds(result)}. "
        f"{CLEAR_MARK} exceeds twice its standard error; with so few seeds this is a hint and no strict test, and of "
        "so many cells some exceed it by chance.",
        *_shared_notes(result),
    )
    return Table(("variant", "minus", *COLUMNS), rows, notes)


def combinations_table(result: Result) -> Table:
    """Return every combination of the full variant: early beside late fusion, and their paired difference."""
    cells: dict[str, Any] = next((row["cells"] for row in result["rows"] if row["name"] == FULL), {})
    by_task: dict[str, dict[str, Any]] = {}
    for cell, values in cells.items():
        task, _, fusion = cell.partition(" ")
        by_task.setdefault(task, {})[fusion] = values
    differences = result["fusion"]["early minus late"]
    rows = tuple(
        (
            task,
            _values(found.get("single") or found.get("early")),
            *(_values(found.get(fusion)) for fusion in FUSIONS[1:]),
            _differences(differences.get(task)),
        )
        for task, found in by_task.items()
    )
    notes = (
        f"The full variant: rank-1 / mAP in percent, mean ± sample deviation over {_seeds(result)}; late counts "
        f"each modality by a factor chosen on other people, late, equal counts all the same; {CLEAR_MARK} exceeds "
        "twice its standard error.",
        *_shared_notes(result),
    )
    return Table(("query", *FUSIONS, "early minus late"), rows, notes)


def _values(cell: Result | None) -> str:
    return DASH if cell is None else " / ".join(_with_deviation(cell[m], "{:.1f}") for m in METRICS)


def _differences(cell: Result | None) -> str:
    if cell is None:
        return DASH
    return " / ".join(_with_deviation(cell[m], "{:+.1f}") + CLEAR_MARK * bool(cell[m]["is_clear"]) for m in METRICS)


def _with_deviation(found: Result, form: str) -> str:
    mean = form.format(100 * found["mean"])
    return mean if found["deviation"] is None else f"{mean} ± {100 * found['deviation']:.1f}"


def _clear_cells(row: Result) -> list[str]:
    found = ((heading, row["differences"].get(cell)) for heading, cell in COLUMNS.items())
    return [
        f"{heading} {100 * cell['mAP']['mean']:+.1f}" for heading, cell in found if cell and cell["mAP"]["is_clear"]
    ]


def _seeds(result: Result) -> str:
    seeds: Sequence[int] = result["seeds"]
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(str(seed) for seed in seeds)}"


def _shared_notes(result: Result) -> list[str]:
    run = result["runs"][0]["stages"] if result["runs"] else {}
    tasks = next(iter(run.values()))["tasks"] if run else []
    sizes = f"{tasks[0]['num_queries']} queries, {tasks[0]['num_gallery']} photos; " if tasks else ""
    steps, seeds = result["steps"], result["seeds"]
    notes = [
        f"Unseen synthetic people: {sizes}steps: {steps['stage1']} in stage 1, {steps['stage2']} in stage 2; the "
        f"encoder was pre-trained once, {steps['pretraining']} steps, and is the same file for all seeds."
    ]
    short = [f"{row['title']} ({row['seeds']})" for row in result["rows"] if row["seeds"] != sorted(seeds)]
    notes += [f"Not of all seeds: {'; '.join(short)}."] if short else []
    if len(result["commits"]) > 1:
        notes.append(f"Runs of several commits: {', '.join(commit[:10] for commit in result['commits'])}.")
    notes += [f"Failed: {job}: {why}." for job, why in result["failures"].items()]
    notes += (
        ["A trial: steps, people or settings are not those of the shipped configurations."]
        if result["is_trial"]
        else []
    )
    return [*notes, describe_origin(result)]
