"""`aio-reid compare` on what `aio-reid evaluate` writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aio_reid.cli.entry import run


def test_an_evaluation_beside_another(
    manifest: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result.json"
    assert run(["evaluate", str(manifest), "--weights", str(weights), "--out", str(out), "--device", "cpu"]) == 0
    better = json.loads(out.read_text(encoding="utf-8"))
    for task in better["tasks"]:
        task["per_query"]["first_match"] = [1 for _ in task["per_query"]["first_match"]]
    (tmp_path / "better.json").write_text(json.dumps(better), encoding="utf-8")
    capsys.readouterr()
    written = ["--json", str(tmp_path / "c.json"), "--markdown", str(tmp_path / "c.md")]
    assert run(["compare", str(out), str(tmp_path / "better.json"), "--resamples", "200", *written]) == 0
    shown = capsys.readouterr()
    lines = [line.split("\t") for line in shown.out.splitlines()]
    assert len(lines) - 1 == 3 * len(better["tasks"])
    found = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert (found["kind"], found["a"], found["b"]) == ("comparison", "result.json", "better.json")
    assert found["rows"][0]["differences"][0]["b"] == 1.0
    assert str(tmp_path) not in (tmp_path / "c.json").read_text(encoding="utf-8")
    assert (tmp_path / "c.md").read_text(encoding="utf-8").startswith("| query | queries | metric |")
    assert "A is result.json, B is better.json" in shown.err


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", str(tmp_path), str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: ") and not capsys.readouterr().err
