"""The benchmark of galleries, in small, and the table of its result."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import aio_reid
from aio_reid.evaluation.report import make_table, read_result

ROOT = Path(__file__).parents[2]


def test_the_benchmark_of_galleries_runs_and_gives_a_table(tmp_path: Path) -> None:
    out = tmp_path / "gallery_store.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "gallery_store.py"), "--rows", "1500", "--size", "8"]
    environment = {**os.environ, "PYTHONPATH": str(Path(aio_reid.__file__).parents[1])}
    done = subprocess.run(
        [*command, "--repeats", "1", "--out", str(out)], capture_output=True, text=True, env=environment
    )
    assert done.returncode in (0, 1), done.stderr  # 1: so few rows say nothing about the targets
    table = make_table(read_result(out))
    assert [row[0] for row in table.rows][:3] == [
        "bare float32 product, no ranking",
        "exact top 50",
        "exact top 50 of 5% of the rows",
    ]
    assert table.rows[0][2] == "1.00"
    assert table.notes[0].startswith("1,500 vectors of 8 numbers.")


def test_the_benchmark_of_a_large_gallery_runs_and_gives_a_table(tmp_path: Path) -> None:
    out = tmp_path / "gallery_million.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "gallery_million.py"), "--rows", "2000", "--size", "16"]
    environment = {**os.environ, "PYTHONPATH": str(Path(aio_reid.__file__).parents[1])}
    done = subprocess.run(
        [*command, "--queries", "4", "--hnsw", "--out", str(out)], capture_output=True, text=True, env=environment
    )
    assert done.returncode in (0, 1), done.stderr
    table = make_table(read_result(out))
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["exact"][1:] == ("1.000", "1.0000") and rows["faiss, flat (exact)"][2] == "1.0000"
    assert float(rows["approximate"][2]) > 0.8
    assert "32 cells" in table.notes[0] and table.notes[0].startswith("2,000 made vectors of 16 numbers, 10 pictures")


def test_the_benchmark_of_enrolling_runs_and_gives_a_table(tmp_path: Path) -> None:
    out = tmp_path / "enrol_speed.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "enrol_speed.py"), "--pictures", "16", "--rounds", "1"]
    environment = {**os.environ, "PYTHONPATH": str(Path(aio_reid.__file__).parents[1])}
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, env=environment)
    assert done.returncode in (0, 1), done.stderr
    table = make_table(read_result(out))
    assert [row[0] for row in table.rows] == ["bare", "enrol", "enrol, with copies"]
    assert table.rows[0][2] == "1.000" and all(float(row[1]) > 0 for row in table.rows)
    assert table.notes[0].startswith("16 picture files, weights aio-nano")
