"""From the figures of single runs to means, deviations and paired differences; no torch, nothing is read or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import Any

METRICS = ("rank1", "mAP")
CLEAR = 2.0
"""A difference is called clear where it is more than so many times its standard error."""

Record = Mapping[str, Any]
Cells = Mapping[str, Mapping[str, float]]
"""Cell -> metric -> fraction; a cell is a task and how it is fused, e.g. "R single" or "RIST early"."""


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Return the mean and the sample deviation (n - 1) of values; the deviation of a single one is None."""
    return {"mean": fmean(values), "deviation": stdev(values) if len(values) > 1 else None}


def paired(values: Sequence[float], others: Sequence[float]) -> dict[str, float | bool | None]:
    """Return the mean of the differences of pairs, values minus others, their sample deviation, the standard error of
    the mean (deviation / sqrt n), and whether the mean exceeds `CLEAR` times that; None of one pair.
    """
    differences = [value - other for value, other in zip(values, others, strict=True)]
    found = spread(differences)
    deviation = found["deviation"]
    if deviation is None:
        return {**found, "standard_error": None, "is_clear": None}
    error = deviation / sqrt(len(differences))
    return {**found, "standard_error": error, "is_clear": abs(fmean(differences)) > CLEAR * error}


def cells_of(stage: Record) -> dict[str, dict[str, float]]:
    """Return the figures of a run after a stage, by cell."""
    return {f"{task['task']} {task['fusion']}": {m: task[m] for m in METRICS} for task in stage["tasks"]}


def summarise_row(by_seed: Mapping[int, Cells], against: Mapping[int, Cells] | None) -> dict[str, Any]:
    """Return one row: mean and deviation over the seeds of every cell, and the differences from another row, over the
    seeds that both have.

    Args:
        by_seed: seed -> the cells of the run; at least one, all with the same cells.
        against: the same of the row to compare with; None compares with nothing.
    """
    seeds = sorted(by_seed)
    cells = by_seed[seeds[0]]
    row: dict[str, Any] = {
        "seeds": seeds,
        "cells": {cell: {m: spread([by_seed[s][cell][m] for s in seeds]) for m in METRICS} for cell in cells},
        "differences": {},
    }
    common = [seed for seed in seeds if against is not None and seed in against]
    if against is not None and common:
        row["differences"] = {
            cell: {
                m: paired([by_seed[s][cell][m] for s in common], [against[s][cell][m] for s in common]) for m in METRICS
            }
            for cell in cells
        }
    return row


def fusion_differences(by_seed: Mapping[int, Cells], fusions: tuple[str, str]) -> dict[str, Any]:
    """Return for every combination of several modalities: the first fusion minus the second, paired by seed."""
    first, second = fusions
    seeds = sorted(by_seed)
    cells = by_seed[seeds[0]]
    tasks = [cell.removesuffix(f" {first}") for cell in cells if cell.endswith(f" {first}")]
    return {
        task: {
            m: paired(
                [by_seed[s][f"{task} {first}"][m] for s in seeds], [by_seed[s][f"{task} {second}"][m] for s in seeds]
            )
            for m in METRICS
        }
        for task in tasks
        if f"{task} {second}" in cells
    }
