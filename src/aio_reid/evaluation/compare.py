"""Two evaluations side by side: which rows they share, and whether their scores differ by more than chance.

Of each row that both hold, the queries that both scored are paired, by their place in the list, and the difference
B - A of rank-1, mAP and mINP is resampled (`bootstrap.py`).

Rows with trials: queries are drawn within each trial, and the means of the trials are averaged, as the row itself is.
Where the trials ask the same queries of several galleries (SYSU-MM01, LLCM, single-gallery-shot CUHK03), a query's ten
values are no ten independent facts: they are averaged first, and the queries are drawn once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.evaluation.bootstrap import CONFIDENCE, bootstrap_differences
from aio_reid.evaluation.embed import SINGLE
from aio_reid.evaluation.matching import Evaluation, Result, match_evaluations, read_evaluations
from aio_reid.evaluation.protocols import combinations, cuhk03_single_shot, llcm, sysu_mm01
from aio_reid.evaluation.report import Table
from aio_reid.progress import SILENT, Progress

METRICS = ("rank-1", "mAP", "mINP")
HEADER = ("query", "queries", "metric", "A", "B", "B - A", "95 % interval", "p")


_Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of one row, as fractions: its means over the paired queries, their difference B - A, the ends of its
    interval, and the two-sided p-value (see `bootstrap.Spread`).
    """

    metric: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One row that both evaluations hold.

    Attributes:
        evaluation: data set and protocol.
        num_paired: queries that both scored, counted over the trials unless these ask the same queries.
        num_only_a, num_only_b: queries that one side alone scored; they are left out.
        num_trials: 1 where the row has no trials.
        same_queries: the trials ask the same queries, which were drawn once for all of them.
    """

    evaluation: str
    task: str
    fusion: str
    num_paired: int
    num_only_a: int
    num_only_b: int
    num_trials: int
    same_queries: bool
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows that both sides hold; `only_a` and `only_b` name those that one side holds, `left_out` says why a common
    row could not be compared.
    """

    rows: tuple[ComparedRow, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    left_out: Mapping[str, str]
    resamples: int
    seed: int

    def to_json(self) -> dict[str, object]:
        """Return plain data; scores are fractions."""
        rest = {"only_a": list(self.only_a), "only_b": list(self.only_b), "left_out": dict(self.left_out)}
        drawn = {"resamples": self.resamples, "seed": self.seed, "confidence": CONFIDENCE}
        rows = [asdict(row) | {"differences": [asdict(one) for one in row.differences]} for row in self.rows]
        return {"kind": "comparison", **drawn, "rows": rows, **rest}


def compare(a: Path, b: Path, *, resamples: int = 10_000, seed: int = 0, progress: Progress = SILENT) -> Comparison:
    """Compare two evaluations, or two folders of them.

    Args:
        a, b: each a JSON file that `aio-reid evaluate` wrote, or a folder of such files; other files are passed over.
        resamples, seed: of the bootstrap. The numbers of a row do not depend on the other rows.
        progress: told of every row.

    Raises:
        DataError: a file cannot be read, a folder holds no evaluation or the same one twice, the two sides differ in
            split, protocol version or seed, or share nothing.
        ConfigError: too few resamples.
    """
    pairs, only_a, only_b = match_evaluations(read_evaluations(a), read_evaluations(b))
    rows: list[ComparedRow] = []
    left_out: dict[str, str] = {}
    with progress.task("Comparing", total=sum(len(one.result["tasks"]) for one, _ in pairs), unit="rows") as report:
        for first, second in pairs:
            of_a, of_b = _tasks(first), _tasks(second)
            only_a += [_row_name(first, key) for key in of_a if key not in of_b]
            only_b += [_row_name(second, key) for key in of_b if key not in of_a]
            for key in of_a:
                if key in of_b:
                    row = _compare_row(first, second, key, resamples, seed)
                    if isinstance(row, str):
                        left_out[_row_name(first, key)] = row
                    else:
                        rows.append(row)
                report.advance()
    if not rows:
        raise DataError(f"no row of {a} can be compared with one of {b}; evaluate the same queries with both")
    return Comparison(tuple(rows), tuple(only_a), tuple(only_b), left_out, resamples, seed)


def comparison_table(comparison: Comparison, a: str, b: str) -> Table:
    """Return three lines a row, in percent, with notes on what was compared; `a` and `b` name the two sides.

    Where several evaluations were compared, a first column names them.
    """
    evaluations = list(dict.fromkeys(row.evaluation for row in comparison.rows))
    several = len(evaluations) > 1
    what = "" if several else f"{evaluations[0]}. "
    lines = [
        (
            *((row.evaluation,) if several else ()),
            *(row.task if row.fusion == SINGLE else f"{row.task}, {row.fusion}", str(row.num_paired), one.metric),
            *(f"{100 * one.a:.1f}", f"{100 * one.b:.1f}", f"{100 * one.difference:+.1f}"),
            *(f"{100 * one.low:+.1f} to {100 * one.high:+.1f}", _show_p(one.p_value)),
        )
        for row in comparison.rows
        for one in row.differences
    ]
    notes = [
        f"{what}A is {a}, B is {b}; in percent, above 0 where B is better. Paired bootstrap over queries, "
        f"{comparison.resamples} resamples, seed {comparison.seed}. p is two-sided and not corrected for the number of "
        f"rows ({len(comparison.rows)})."
    ]
    notes += [
        f"Left out of {row.evaluation}, {row.task} ({row.fusion}): {row.num_only_a} queries that only A scored and "
        f"{row.num_only_b} that only B scored."
        for row in comparison.rows
        if row.num_only_a or row.num_only_b
    ]
    if any(row.num_trials > 1 for row in comparison.rows):
        notes.append("Rows with trials: queries are drawn within each trial; once for all where these ask the same.")
    notes += [f"Not compared: {name}: {why}." for name, why in comparison.left_out.items()]
    notes += [f"Only in A: {name}." for name in comparison.only_a]
    notes += [f"Only in B: {name}." for name in comparison.only_b]
    return Table((("evaluation", *HEADER) if several else HEADER), tuple(lines), tuple(notes))


def asks_the_same(protocol: str, task: str) -> bool:
    """Tell whether all trials of this row ask for the same persons in the same order, and only what is searched, or
    which record of a person asks, is drawn. What was done to the ranking stands behind a comma in a protocol's name.
    """
    plain = protocol.split(", ")[0]
    if plain == llcm.NAME:
        return task in (llcm.IR_TO_VIS, llcm.VIS_TO_IR)
    if plain.startswith(combinations.ANY_TO):
        return True
    return plain.split("/")[0] == sysu_mm01.NAME or plain == cuhk03_single_shot.NAME


def _joined_trials(a: _Values, b: _Values) -> tuple[list[_Values], list[_Values]]:
    """Return both as one trial each: the mean over the trials (T, N, M) in which both scored the query, or NaN."""
    both = ~(np.isnan(a) | np.isnan(b))  # (T, N, M)
    num = both.sum(axis=0)  # (N, M)
    with np.errstate(invalid="ignore"):
        mean_a, mean_b = (np.where(both, x, 0.0).sum(axis=0) / num for x in (a, b))  # 0 / 0 is NaN
    return [mean_a], [mean_b]


def _compare_row(
    first: Evaluation, second: Evaluation, key: tuple[str, str], resamples: int, seed: int
) -> ComparedRow | str:
    """Return the compared row, or why it cannot be compared."""
    a, b = (_read_trials(one, _tasks(one)[key]) for one in (first, second))  # of each trial (N, M), NaN: not scored
    if [len(trial) for trial in a] != [len(trial) for trial in b]:
        raise DataError(
            f"{_row_name(first, key)}: {first.place} and {second.place} list {[len(trial) for trial in a]} and "
            f"{[len(trial) for trial in b]} queries; evaluate both anew on the same data"
        )
    num_trials = len(a)
    same = num_trials > 1 and asks_the_same(first.protocol, key[0]) and len({len(trial) for trial in a}) == 1
    if same:
        a, b = _joined_trials(np.stack(a), np.stack(b))
    scored = [(~np.isnan(x[:, 0]), ~np.isnan(y[:, 0])) for x, y in zip(a, b, strict=True)]
    paired = [of_a & of_b for of_a, of_b in scored]
    empty = [number for number, rows in enumerate(paired, start=1) if not rows.any()]
    if empty:
        return "no query was scored by both" + (f" in trial {empty[0]}" if len(paired) > 1 else "")
    a = [x[rows] for x, rows in zip(a, paired, strict=True)]
    b = [y[rows] for y, rows in zip(b, paired, strict=True)]
    return ComparedRow(
        evaluation=first.name,
        task=key[0],
        fusion=key[1],
        num_paired=sum(int(rows.sum()) for rows in paired),
        num_only_a=sum(int((of_a & ~of_b).sum()) for of_a, of_b in scored),
        num_only_b=sum(int((of_b & ~of_a).sum()) for of_a, of_b in scored),
        num_trials=num_trials,
        same_queries=same,
        differences=_differences(a, b, resamples, seed),
    )


def _differences(a: Sequence[_Values], b: Sequence[_Values], resamples: int, seed: int) -> tuple[Difference, ...]:
    groups = [y - x for x, y in zip(a, b, strict=True)]
    spread = bootstrap_differences(groups, resamples=resamples, seed=seed)
    means = [np.mean([trial.mean(axis=0) for trial in side], axis=0) for side in (a, b, groups)]  # (M,) each
    columns = (*means, spread.low, spread.high, spread.p_value)
    return tuple(Difference(metric, *(float(column[m]) for column in columns)) for m, metric in enumerate(METRICS))


def _read_trials(one: Evaluation, task: Result) -> list[_Values]:
    """Return of each trial (N, M) float64 in the order of `METRICS`, NaN where a query was not scored."""
    try:
        listed = [trial["per_query"] for trial in task.get("trials") or [task]]
        trials = []
        for values in listed:
            first = np.array(values["first_match"], dtype=np.float64)  # (N,), None becomes NaN
            rank1 = np.where(np.isnan(first), np.nan, first == 1)
            others = [np.array(values[name], dtype=np.float64) for name in ("average_precision", "inverse_penalty")]
            trials.append(np.stack([rank1, *others], axis=1))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{one.place}: task {task['task']!r} lists no values of every query ({error}); evaluate anew"
        ) from error
    return trials


def _tasks(one: Evaluation) -> dict[tuple[str, str], Result]:
    return {(task["task"], task["fusion"]): task for task in one.result["tasks"]}


def _row_name(one: Evaluation, key: tuple[str, str]) -> str:
    return f"{one.name}, {key[0]} ({key[1]})"


def _show_p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
