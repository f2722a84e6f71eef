"""Tables for people, and their forms: Markdown, CSV, LaTeX. The cells are the same in all of them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Result = Mapping[str, Any]
"""A result file as plain data."""

DASH = "–"

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": "'",
    "–": "--",
    "×": r"$\times$",
    "±": r"$\pm$",
}
"""What LaTeX reads as anything but itself, and what is written here beside ASCII; no form needs a package."""


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


LATEX_ROWS = 40
"""What fits a page with its caption and notes."""


def to_latex(table: Table, *, caption: str, num_text_columns: int = 1) -> str:
    r"""Return the table as LaTeX `table`s of at most 40 rows, so that each fits a page; notes stand below the last. The
    only package is booktabs.

    Args:
        table: any.
        caption: plain text.
        num_text_columns: the first so many columns are to the left, the others to the right.
    """
    parts = [table.rows[start : start + LATEX_ROWS] for start in range(0, len(table.rows), LATEX_ROWS)] or [()]
    columns = "l" * num_text_columns + "r" * (len(table.header) - num_text_columns)
    lines: list[str] = []
    for number, rows in enumerate(parts, start=1):
        title = caption if number == 1 else f"{caption} (continued)"
        notes = table.notes if number == len(parts) else ()
        lines += _latex_part(replace(table, rows=rows, notes=notes), title, columns)
    return "\n".join(lines) + "\n"


def _latex_part(table: Table, caption: str, columns: str) -> list[str]:
    return [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _latex_row(table.header),
        r"\midrule",
        *(_latex_row(row) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\footnotesize {escape_latex(note)}" for note in table.notes),
        r"\end{table}",
    ]


def escape_latex(text: str) -> str:
    """Return the text as LaTeX prints it letter by letter; a line break becomes a space."""
    marks = re.escape("".join(_LATEX))
    # Two hyphens, as before an option, would become a dash.
    return re.sub(f"[{marks}]|-(?=-)", lambda found: _LATEX.get(found[0], "-{}"), " ".join(text.split()))


def group_by_fusion(rows: Iterable[Result], name: str) -> dict[str, dict[str, Result]]:
    """Return name of a task -> fusion -> its row of a result, in the order of the rows.

    Args:
        rows: the tasks or averages of a result.
        name: the key of the task's name in them.
    """
    found: dict[str, dict[str, Result]] = {}
    for row in rows:
        found.setdefault(row[name], {})[row["fusion"]] = row
    return found


def percent(scores: Result | None, *keys: str) -> str:
    """Return the fraction behind the keys times 100, with one digit; a dash where there are no scores."""
    if scores is None:
        return DASH
    value: Any = scores
    for key in keys:
        value = value[key]
    return f"{100 * value:.1f}"


def describe_count(row: Result, key: str) -> str:
    """Return a count of a row as text; where it has trials it is "30 × 10" if each of the 10 has 30, else their sum."""
    if key not in row:
        return DASH
    trials = row.get("trials", ())
    return f"{trials[0][key]} × {len(trials)}" if trials and len({t[key] for t in trials}) == 1 else str(row[key])


def describe_origin(result: Result) -> str:
    """Return the command that repeats the result, and what it ran on."""
    provenance = result["provenance"]
    hardware = provenance["hardware"]
    commit = (provenance["commit"] or "unknown")[:10] + (" with changes" if provenance["dirty"] else "")
    machine = hardware["gpu"] or f"{hardware['cores']} cores of {hardware['cpu']}"
    seed = "" if result.get("seed") is None else f", seed {result['seed']}"
    return f"`{result['command']}` (commit {commit}{seed}, {machine}, {provenance['time_utc'][:10]})"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(escape_latex(cell) for cell in cells) + r" \\"
