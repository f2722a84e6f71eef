"""The tables of `benchmarks/calibration.py`: calibrated scores on unseen people."""

from __future__ import annotations

from aio_reid.evaluation.table import Result, Table, describe_origin, percent

KIND = "calibration"
PHOTOS, INFRARED = "rgb", "infrared"


def calibration_table(result: Result) -> Table:
    """Return one row for each combination of query modalities, searched in photos."""
    return _gallery_table(result, PHOTOS, "photos")


def infrared_calibration_table(result: Result) -> Table:
    """Return the same, searched in infrared frames."""
    return _gallery_table(result, INFRARED, "infrared frames")


def mixed_ranking_table(result: Result) -> Table:
    """Return one row for each combination, searched in photos and infrared frames at once, ranked both ways."""
    rows = tuple(
        (
            row["query"],
            str(row["raw"]["num_queries"]),
            *(percent(row, way, metric) for metric in ("rank1", "mAP") for way in ("raw", "calibrated")),
        )
        for row in result["mixed"]
    )
    notes = (
        "Photos and infrared frames in one gallery, ranked by raw score and by calibrated odds; rank-1 and mAP in "
        f"percent, {result['num_people']['reported_on']} people who were not calibrated on.",
        describe_origin(result),
    )
    return Table(("query", "queries", "R1 raw", "R1 by odds", "mAP raw", "mAP by odds"), rows, notes)


def _gallery_table(result: Result, gallery: str, name: str) -> Table:
    header = (
        "query",
        "AUROC",
        "TPR at 1% FPR",
        "ECE",
        "observed at a stated 1%",
        "open set: AUROC",
        "TPR at 1% FPR ",
        "found",
        "mistaken",
        "ECE of best hits",
        "map",
    )
    people = result["num_people"]
    notes = (
        f"Searched in {name}; calibrated on {people['calibrated_on']} synthetic people, measured on "
        f"{people['reported_on']} others; {result['fusion']} fusion. All in percent but the two AUROC.",
        "Single comparisons: matches told from strangers, the expected calibration error (10 bins, matches and "
        "strangers weighing the same), and how many strangers reach the score that 1% of them are said to reach.",
        "Open set: half of the people searched for are not in the gallery; present ones told from absent ones by the "
        "best hit, and how many of either the rule takes for present; last, P(match) of best hits against the truth.",
        describe_origin(result),
    )
    rows = tuple(_row(row) for row in result["pairs"] if row["gallery"] == gallery)
    return Table(header, rows, notes)


def _row(row: Result) -> tuple[str, ...]:
    at_1_percent = [observed for stated, observed in row["false_match_rates"] if 0.005 < stated <= 0.0101]
    return (
        row["query"],
        f"{row['auroc']:.3f}",
        percent(row, "tpr_at_1_percent"),
        percent(row, "calibration_error"),
        f"{100 * at_1_percent[0]:.2f}" if at_1_percent else "–",
        f"{row['open_set']['auroc']:.3f}",
        percent(row, "open_set", "tpr_at_1_percent"),
        percent(row, "open_set", "found"),
        percent(row, "open_set", "mistaken"),
        percent(row, "open_set", "best_hit_error"),
        row["family"],
    )
