"""RegDB's parser on empty files of the published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aio_reid.datasets import regdb
from aio_reid.datasets.regdb import PUBLISHED, parse, parse_trials
from aio_reid.errors import DataError
from aio_reid.records import Modality, Split

HALVES = {1: ((2, 10), (285, 1)), 2: ((1, 285), (10, 2))}
"""Trial -> persons of training, of testing, in the order of the lists."""


def picture(kind: str, person: int, number: int) -> str:
    return f"{kind}/{person}/male_front_{kind[0].lower()}_{number:05d}_{person}.bmp"


@pytest.fixture
def tree(plant: Callable[..., None], tmp_path: Path) -> Path:
    for kind in ("Visible", "Thermal"):
        plant(
            *(picture(kind, person, number) for person in (1, 2, 10, 285) for number in (7, 9)), f"{kind}/1/Thumbs.db"
        )
    (tmp_path / "idx").mkdir()
    for trial in range(1, 11):
        for part, persons in zip(("train", "test"), HALVES[min(trial, 2)], strict=True):
            for kind in ("Visible", "Thermal"):
                lines = [f"{picture(kind, p, n)} {label}\n" for label, p in enumerate(persons) for n in (9, 7)]
                (tmp_path / "idx" / f"{part}_{kind.lower()}_{trial}.txt").write_text("".join(lines), encoding="utf-8")
    return tmp_path


def test_persons_are_folders_not_the_labels_of_a_list(tree: Path) -> None:
    records = parse(tree)
    rgb, infrared = Modality.RGB, Modality.INFRARED
    assert [(r.split, r.modality, r.person_id) for r in records[::2]] == [
        (Split.TRAIN, rgb, "2"),
        (Split.TRAIN, rgb, "10"),
        (Split.TRAIN, infrared, "2"),
        (Split.TRAIN, infrared, "10"),
        (Split.GALLERY, rgb, "1"),
        (Split.GALLERY, rgb, "285"),
        (Split.QUERY, infrared, "1"),
        (Split.QUERY, infrared, "285"),
    ]
    assert [r.image_path and r.image_path.name for r in records[:2]] == [
        "male_front_v_00007_2.bmp",
        "male_front_v_00009_2.bmp",
    ]
    assert {r.camera_id for r in records} == {None}
    assert {r.dataset for r in records} == {
        "regdb (10 of 10 trials, 2 of 206 train persons, 4 of 2060 train photos, 4 of 2060 train infrared, "
        "2 of 206 test persons, 4 of 2060 gallery photos, 4 of 2060 query infrared)"
    }


def test_ten_trials_in_their_order(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = parse_trials(tree)
    assert len(trials) == 10
    assert trials[0] == parse(tree)
    assert {r.person_id for r in trials[1] if r.split is Split.TRAIN} == {"1", "285"}
    assert all({r.image_path for r in trial} == {r.image_path for r in trials[0]} for trial in trials)
    monkeypatch.setattr(regdb, "PUBLISHED", dict(zip(PUBLISHED, (10, 2, 4, 4, 2, 4, 4), strict=True)))
    assert {r.dataset for trial in parse_trials(tree) for r in trial} == {"regdb"}


def test_missing_pictures_and_lists_are_counted(tree: Path) -> None:
    (tree / picture("Thermal", 285, 7)).unlink()
    for name in ("train_visible_7", "test_thermal_3", "train_thermal_3"):
        (tree / "idx" / f"{name}.txt").unlink()
    records = parse(tree)
    assert records[0].dataset.startswith("regdb (8 of 10 trials, ")
    assert records[0].dataset.endswith("4 of 2060 gallery photos, 3 of 2060 query infrared)")
    with pytest.raises(DataError, match=r"(train_thermal|test_thermal)_3\.txt cannot be read"):
        parse_trials(tree)


def test_mistakes_are_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PUBLISHED, "train photos", 3)
    with pytest.raises(DataError, match="4 train photos, but 3 were published"):
        parse(tree)
    (tree / "idx" / "test_visible_1.txt").write_text("male_front_v_00007_1.bmp 0\n", encoding="utf-8")
    with pytest.raises(DataError, match="not Visible/PERSON/NAME"):
        parse(tree)
    (tree / "Thermal").rename(tree / "Infrared")
    with pytest.raises(DataError, match="no copy of RegDB: it lacks 'Thermal'"):
        parse(tree)
