"""What a run of the whole evaluation found, as one result file and its tables: Markdown, CSV, LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aio_reid.errors import StorageError
from aio_reid.evaluation.published import OTHERS
from aio_reid.evaluation.record import write_json
from aio_reid.evaluation.rows import SEVERAL, SuiteRow, folder_of, title_of
from aio_reid.evaluation.suite_tables import (
    DONE,
    FAILED,
    KIND,
    NOT_AVAILABLE,
    NUM_TEXT_COLUMNS,
    make_sections,
    suite_table,
)
from aio_reid.evaluation.table import Result, describe_count, to_csv, to_latex, to_markdown

__all__ = ["DONE", "FAILED", "NOT_AVAILABLE", "Outcome", "describe_suite", "write_suite"]

FILE_NAME = "zero_shot"
_KEPT = ("task", "name", "fusion", "num_gallery", "num_without_match", "rank", "mAP", "mINP")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row.

    Attributes:
        row: the row.
        state: "done", "not available" or "failed".
        reason: in one line, why it failed or is not available; empty where it is just not on disk.
        result: its record as plain data, where it is done.
    """

    row: SuiteRow
    state: str
    reason: str = ""
    result: Result | None = None


def describe_suite(
    outcomes: Sequence[Outcome], *, weights: Result, repetitions: int, origin: Mapping[str, object]
) -> dict[str, object]:
    """Return the result file of a run: its rows without the values of single queries; scores are fractions.

    Args:
        outcomes: in the order of the table.
        weights: "name" and "sha256".
        repetitions: of the rows that are drawn.
        origin: "command" and "provenance".
    """
    marks = {figure.mark.letter: figure.mark.words for outcome in outcomes for figure in outcome.row.published}
    remarks = {SEVERAL: [OTHERS]} if any(outcome.row.group == SEVERAL for outcome in outcomes) else {}
    return {
        "kind": KIND,
        "weights": dict(weights),
        "repetitions": repetitions,
        "rows": [_describe_row(outcome) for outcome in outcomes],
        "marks": marks,
        "remarks": remarks,
        **origin,
    }


def write_suite(out: Path, result: Mapping[str, object]) -> None:
    """Write `zero_shot.json`, `.md`, `.csv` and `.tex` into the folder.

    Raises:
        StorageError: a file cannot be written.
    """
    write_json(out / f"{FILE_NAME}.json", result)
    sections = make_sections(result)
    markdown = [f"## {section.heading.capitalize()}\n\n{to_markdown(section.table)}\n" for section in sections]
    latex = [
        to_latex(s.table, caption=f"{s.heading.capitalize()}.", num_text_columns=NUM_TEXT_COLUMNS) for s in sections
    ]
    forms = {".md": "\n".join(markdown), ".csv": to_csv(suite_table(result)), ".tex": "\n".join(latex)}
    for ending, text in forms.items():
        path = out / f"{FILE_NAME}{ending}"
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise StorageError(f"cannot write {path} ({error.strerror}); name another folder with --out") from error


def _describe_row(outcome: Outcome) -> dict[str, object]:
    row, result = outcome.row, outcome.result
    described: dict[str, object] = {
        "row": row.name,
        "label": row.label,
        "title": title_of(row),
        "group": row.group,
        "folder": folder_of(row),
        "state": outcome.state,
        "reason": outcome.reason,
        "published": [
            {"task": p.task, "rank1_percent": p.rank1_percent, "mark": p.mark.letter, "remark": p.remark}
            for p in row.published
        ],
    }
    if result is None:
        return described
    return described | {
        "dataset": result["dataset"]["name"],
        "protocol": result["protocol"],
        "file": f"rows/{row.name}.json",
        "tasks": [_compact(task) for task in result["tasks"]],
        "averages": [_compact(average) for average in result["averages"]],
        "left_out": result["left_out"],
        "deviations": result["suite"]["deviations"],
    }


def _compact(task: Result) -> dict[str, object]:
    """Return a row without the values of its queries and trials; its count of queries becomes text."""
    return {key: task[key] for key in _KEPT if key in task} | {"queries": describe_count(task, "num_queries")}
