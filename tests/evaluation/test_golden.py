"""Every golden case is a test somewhere: a case that nobody reads would be an oracle that nobody asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parents[2] / "shared" / "golden" / "golden.json"


@pytest.mark.skipif(not GOLDEN.exists(), reason="golden files are not beside this checkout")
def test_every_golden_case_is_named_in_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in HERE.rglob("test_*.py"))
    cases = [case["id"] for case in json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]]
    assert len(cases) >= 35
    assert [case for case in cases if f'"{case}"' not in tests] == []
