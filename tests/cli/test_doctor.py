from __future__ import annotations

from pathlib import Path

import pytest

from aio_reid import doctor
from aio_reid.cli.entry import run
from aio_reid.doctor import Check
from aio_reid.gallery import database
from aio_reid.gallery.cache import open_cache


def by_name(checks: list[Check]) -> dict[str, Check]:
    found = {check.name: check for check in checks}
    assert len(found) == len(checks)
    return found


def test_every_row_says_what_was_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "self_test", lambda: "passed")
    checks = by_name(doctor.run_checks(tmp_path))
    assert all(check.found for check in checks.values())
    assert checks["torch"].is_good
    assert checks["device"].is_good
    assert checks["cache"].is_good
    assert checks["self-test"] == Check("self-test", True, "passed")


def test_a_check_that_breaks_is_a_row_with_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def break_down() -> str:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(doctor, "self_test", break_down)
    monkeypatch.setattr(doctor, "find_weights", lambda name: tmp_path / "none.safetensors")
    checks = by_name(doctor.run_checks(tmp_path))
    assert checks["self-test"].found == "RuntimeError: two lines"
    bad = [check for check in checks.values() if not check.is_good]
    assert {check.name for check in bad} == {"self-test", "weights aio-nano"}
    assert all(check.remedy for check in bad)


def test_a_gpu_that_torch_reports_and_cannot_use_is_a_failing_row(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "self_test", lambda: "passed")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "GPU")
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda: (3, 5))

    def no_kernels(*_: object) -> None:
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr("torch.Tensor.matrix_power", no_kernels)
    device = by_name(doctor.run_checks(tmp_path))["device"]
    assert not device.is_good and "device 'cuda' cannot be used" in device.found
    assert "--device cpu" in device.remedy


def test_a_cache_that_is_a_file_is_a_failing_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "self_test", lambda: "passed")
    (tmp_path / "file").write_text("x")
    assert not by_name(doctor.run_checks(tmp_path / "file" / "cache"))["cache"].is_good


def test_a_cache_that_cannot_be_opened_is_a_failing_row_and_none_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "self_test", lambda: "passed")
    check = by_name(doctor.run_checks(tmp_path))["cache"]
    assert check.is_good and check.found == f"{tmp_path} (made at the first search)"
    assert list(tmp_path.iterdir()) == []
    open_cache(tmp_path).close()
    assert "0 embeddings" in by_name(doctor.run_checks(tmp_path))["cache"].found

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(database, "create_privately", refuse)
    check = by_name(doctor.run_checks(tmp_path))["cache"]
    assert not check.is_good and "without a cache" in check.found and "Permission denied" in check.found
    assert "--no-cache" in check.remedy


def test_the_exit_code_tells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [Check("one", True, "fine"), Check("two", False, "broken", "mend it")]
    monkeypatch.setattr(doctor, "run_checks", lambda cache: rows[: len(rows)])
    assert run(["doctor", "--cache", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "two\tFAILED\tbroken" in shown.out
    assert "two: mend it" in shown.err
    rows.pop()
    assert run(["doctor"]) == 0


def test_the_self_test_passes_on_any_sound_weights(weights: Path) -> None:
    assert "embedded" in doctor.self_test(str(weights))
