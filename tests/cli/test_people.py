"""`aio-reid people` and `aio-reid synthesize`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aio_reid.cli.entry import run
from aio_reid.cli.people import check_sheet, chosen_splits, draw_sheet, parse_size
from aio_reid.errors import ConfigError
from aio_reid.people.plan import PeoplePlan, Splits


@pytest.fixture
def photos(manifest: Path) -> Path:
    return manifest.parent / "rgb"


def test_people_are_the_same_from_the_same_seed(tmp_path: Path) -> None:
    few = ["--identities", "2", "--size", "64x32", "--photos", "2", "--workers", "1", "--seed", "9"]
    assert run(["people", str(tmp_path / "a"), *few]) == 0
    assert run(["people", str(tmp_path / "b"), *few, "--sheet", str(tmp_path / "sheet.png")]) == 0
    assert (tmp_path / "sheet.png").stat().st_size > 10_000
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / n / "rgb").iterdir()} for n in "ab")
    assert len(first) == 4
    assert first == second


def test_the_sheet_shows_people_of_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("aio_reid.people.contact_sheet.contact_sheet", lambda people, out, **_: seen.extend(people))
    splits = Splits("retrieval", 0.0, 0.9)
    draw_sheet(tmp_path / "a.png", 6, 9, splits)
    assert seen == [PeoplePlan(6, 9, splits=splits).identity(index) for index in range(6)]
    assert seen != [PeoplePlan(6, 9, splits=Splits("train", 0.0, 0.9)).identity(index) for index in range(6)]
    few = ["--identities", "2", "--size", "64x32", "--photos", "2", "--workers", "1"]
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    for sheet in ("sheet.txt", "folder.png", "file/sheet.png", "file/below/sheet.png"):
        assert run(["people", str(tmp_path / "c"), *few, "--sheet", str(tmp_path / sheet)]) == 2
        assert not (tmp_path / "c").exists()  # told before hours of drawing
    check_sheet(tmp_path / "c" / "new" / "sheet.png")
    assert not (tmp_path / "c").exists()


def test_shares_are_those_of_the_plan_unless_given() -> None:
    assert chosen_splits("train", val_share=None, twin_share=None) == Splits()
    assert chosen_splits("retrieval", val_share=None, twin_share=None) == Splits("retrieval")
    assert chosen_splits("train", val_share=0.0, twin_share=0.4) == Splits("train", 0.0, 0.4)


def test_synthesize_draws_every_photo(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["synthesize", str(photos), "--out", str(tmp_path / "night"), "--modality", "infrared"]) == 0
    assert len(list((tmp_path / "night").iterdir())) == len(list(photos.iterdir()))
    assert "written: 15 pictures" in capsys.readouterr().out


def test_synthesize_finds_what_a_search_finds(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "folder", tmp_path / "night"
    folder.mkdir()
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert run(["synthesize", str(folder), "--out", str(out)]) == 2
    assert "none of the 0 pictures" in capsys.readouterr().err
    (folder / "linked").symlink_to(photos, target_is_directory=True)
    (folder / "round").symlink_to(folder, target_is_directory=True)
    assert run(["synthesize", str(folder), "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "written: 15 pictures" in shown.out and "gone.png" in shown.err
    assert len(list((out / "linked").iterdir())) == 15


def test_sizes() -> None:
    assert parse_size("256x128") == parse_size(" 256X128") == (256, 128)
    for wrong in ("256", "0x5", "256x", "ax b", "-1x2", "256x128x3"):
        with pytest.raises(ConfigError, match="256x128"):
            parse_size(wrong)
