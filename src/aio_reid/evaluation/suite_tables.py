"""The tables of the whole evaluation, made from its result file: what the paper reports first, the rest after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aio_reid.evaluation.table import DASH, Result, Table, describe_origin, group_by_fusion, percent

KIND = "zero_shot"
DONE, NOT_AVAILABLE, FAILED = "done", "not available", "failed"
HEADER = (
    *("task", "data set", "query", "queries", "gallery"),
    *("R1", "R5", "R10", "mAP", "mINP", "R1 late", "mAP late", "R1 published"),
)
NUM_TEXT_COLUMNS = 3
_SCORES = (("rank", "1"), ("rank", "5"), ("rank", "10"), ("mAP",), ("mINP",))


@dataclass(frozen=True, slots=True)
class Section:
    """One of the tables, and what stands above it."""

    heading: str
    table: Table


def make_sections(result: Result) -> tuple[Section, ...]:
    """Return one table a group of rows, in their order."""
    groups: dict[str, list[Result]] = {}
    for row in result["rows"]:
        groups.setdefault(row["group"], []).append(row)
    return tuple(Section(group, _make_table(rows, result, group)) for group, rows in groups.items())


def suite_table(result: Result) -> Table:
    """Return the rows of all tables as one, the notes of all below it."""
    tables = [section.table for section in make_sections(result)]
    rows = tuple(row for table in tables for row in table.rows)
    return Table(HEADER, rows, tuple(dict.fromkeys(note for table in tables for note in table.notes)))


def _make_table(rows: Sequence[Result], result: Result, group: str) -> Table:
    lines = [line for row in rows for line in _make_lines(row)]
    weights = result["weights"]
    general = (
        f"Weights {weights['name']} ({weights['sha256'][:12]}), in percent. Several modalities are fused early, but in "
        "the columns called late."
    )
    notes = [general, *_note_data(rows), *_note_repetitions(rows, result["repetitions"]), *_note_queries(rows)]
    notes += [*_note_absent(rows), *_note_published(rows, result["marks"]), *result["remarks"].get(group, ())]
    return Table(HEADER, tuple(lines), (*notes, describe_origin(result)))


def _make_lines(row: Result) -> list[tuple[str, ...]]:
    published = {figure["task"]: f"{figure['rank1_percent']:.1f} ({figure['mark']})" for figure in row["published"]}
    if row["state"] != DONE:
        told = row["state"] + (f": {row['reason']}" if row["reason"] else "")
        return [_bare_line(row, told, next(iter(published.values()), DASH))]
    of_task = group_by_fusion(row["tasks"], "task") | group_by_fusion(row["averages"], "name")
    if not of_task:
        reasons = "; ".join(f"{task}: {why}" for task, why in row["left_out"].items())
        return [_bare_line(row, f"not scored: {reasons}", next(iter(published.values()), DASH))]
    deviations = {(found["task"], found["fusion"]): found for found in row["deviations"]}
    lines = []
    for task, fused in of_task.items():
        first, late = fused.get("single") or fused.get("early"), fused.get("late")
        known: Result = first or late or {}
        cells = [_with_deviation(first, deviations, keys) for keys in _SCORES]
        cells += [_with_deviation(late, deviations, keys) for keys in (("rank", "1"), ("mAP",))]
        counts = (known["queries"], str(known.get("num_gallery", DASH)))
        lines.append((row["label"], _name_data(row), task, *counts, *cells, published.get(task, DASH)))
    return lines


def _bare_line(row: Result, told: str, published: str) -> tuple[str, ...]:
    dashes = (DASH,) * (len(HEADER) - NUM_TEXT_COLUMNS - 1)
    return (row["label"], row["title"], told, *dashes, published)


def _with_deviation(scores: Result | None, deviations: dict[tuple[str, str], Result], keys: tuple[str, ...]) -> str:
    cell = percent(scores, *keys)
    found = None if scores is None else deviations.get((scores.get("task", ""), scores["fusion"]))
    return cell if found is None else f"{cell} ± {percent(found, *keys)}"


def _name_data(row: Result) -> str:
    return f"{row['title']}, a part" if _is_part(row) else row["title"]


def _is_part(row: Result) -> bool:
    """A copy that lacks something carries its counts, in brackets, in its name."""
    return row["state"] == DONE and " of " in row["dataset"]


def _note_data(rows: Sequence[Result]) -> list[str]:
    protocols = [
        f"{row['title']}: {row['protocol']['name']} version {row['protocol']['version']}"
        for row in rows
        if row["state"] == DONE
    ]
    parts = dict.fromkeys(row["dataset"] for row in rows if _is_part(row))
    notes = [f"Protocols: {'; '.join(protocols)}."] if protocols else []
    return notes + ([f"Parts of data sets, not comparable with the whole: {'; '.join(parts)}."] if parts else [])


def _note_repetitions(rows: Sequence[Result], repetitions: int) -> list[str]:
    drawn = dict.fromkeys(row["title"] for row in rows if row.get("deviations"))
    if not drawn:
        return []
    return [
        f"Drawn at random, {repetitions} times (seeds 0 to {repetitions - 1}): {', '.join(drawn)}; mean ± standard "
        "deviation between the repetitions."
    ]


def _note_queries(rows: Sequence[Result]) -> list[str]:
    done = [row for row in rows if row["state"] == DONE and row["tasks"]]
    without = dict.fromkeys(
        f"{task['num_without_match']} ({row['title']}, {task['task']})"
        for row in done
        for task in row["tasks"]
        if task["num_without_match"]
    )
    left_out = [f"{row['title']}, {task}: {why}" for row in done for task, why in row["left_out"].items()]
    notes = [f"Queries without a true match, not scored: {', '.join(without)}."] if without else []
    return notes + ([f"Not scored: {'; '.join(left_out)}."] if left_out else [])


def _note_absent(rows: Sequence[Result]) -> list[str]:
    """Rows that are not available for another reason say so in their line."""
    absent = dict.fromkeys(
        f"{row['title']} ({row['folder']})" for row in rows if row["state"] == NOT_AVAILABLE and not row["reason"]
    )
    return [f"Not on disk, and looked for under such names: {', '.join(absent)}."] if absent else []


def _note_published(rows: Sequence[Result], marks: Result) -> list[str]:
    notes = []
    for letter, words in marks.items():
        remarks = [f"{r['title']}: {p['remark']}" for r in rows for p in r["published"] if p["mark"] == letter]
        if remarks:
            notes.append(f"({letter}) Not ours: {words}. {'; '.join(remarks)}.")
    return notes
