"""The benchmark of calibration, in small, and its tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import calibration
import pytest

from aio_reid.datasets.manifest import read_manifest
from aio_reid.evaluation.report import make_table, read_result
from aio_reid.people.write import Splits, ViewCounts, write_people
from aio_reid.records import Record, Split


def test_the_benchmark_runs_and_gives_its_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    views = ViewCounts(photos=3, infrared=3, sketches=0, pencils=0, captions=1)

    def draw(folder: Path, identities: int, seed: int) -> list[Record]:
        layout = Splits("train", twin_share=0.0)
        manifest = write_people(
            folder, identities=identities, seed=seed, views=views, size=(64, 32), splits=layout, workers=1
        )
        return [replace(record, split=Split.VAL) for record in read_manifest(manifest)]

    monkeypatch.setattr(calibration, "draw", draw)
    out = tmp_path / "calibration.json"
    assert calibration.main(["--identities", "28", "--device", "cpu", "--out", str(out)]) == 0
    result = read_result(out)
    assert result["num_people"] == {"calibrated_on": 14, "reported_on": 14}
    letters = ["R", "I", "T", "RI", "RT", "IT", "RIT"]
    for view, num_columns in ((None, 11), ("infrared", 11), ("mixed", 6)):
        table = make_table(result, view)
        assert [row[0] for row in table.rows] == letters
        assert all(len(row) == num_columns for row in (table.header, *table.rows))
    for pair in result["pairs"]:
        assert pair["open_set"]["num_present"] + pair["open_set"]["num_absent"] in (14, 28)
        assert sum(weight for _, _, weight in pair["reliability"]) == pytest.approx(1.0, abs=1e-3)
    for half in calibration.halves([]):
        assert half == []
