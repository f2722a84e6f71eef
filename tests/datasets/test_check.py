"""Mistakes in a manifest: each is told in one line with its remedy, and a good manifest in none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aio_reid.datasets.check import check_manifest
from aio_reid.datasets.manifest import ManifestRow, write_manifest
from aio_reid.errors import DataError
from aio_reid.records import Modality, Split

RGB, INFRARED, PENCIL, SKETCH, TEXT = Modality
TRAIN, VAL, QUERY, GALLERY = Split
Rows = list[ManifestRow]
Edit = Callable[[Rows], Rows]

READING_MISTAKES = {
    "absolute path": (("t0/rgb1.jpg", "/data/t0/rgb1.jpg"), "row 1: path '/data/t0/rgb1.jpg' leads out of "),
    "blank caption": (("A tall man with hat 0", " "), "row 5: path and caption are both empty; give a path for a "),
    "same picture in train and test": (
        ("t0/rgb1.jpg", "q0/rgb1.jpg"),
        "also in the split 'train' (row 1); take it out",
    ),
    "a comma without quotes": (
        ("A tall man with hat 0", "A tall man, with hat"),
        "row 5: 9 cells for 8 columns; put a ",
    ),
}
"""The other twenty are in test_manifest.py."""


def good() -> Rows:
    """Three persons to train with, two to validate, ten to test; the gallery's photos are by other cameras."""
    rows = []
    for person in ("t0", "t1", "t2", "v0", "v1"):
        split = TRAIN if person < "v" else VAL
        for name, kind in (("rgb1", RGB), ("rgb2", RGB), ("sk", SKETCH), ("ir", INFRARED)):
            camera, source = (None, f"{person}/rgb1.jpg") if kind is SKETCH else (f"c{name[-1]}", None)
            rows.append(ManifestRow(f"{person}/{name}.jpg", None, person, kind, split, camera, source))
        rows.append(ManifestRow(None, f"A tall man with hat {person[1]}", person, TEXT, split))
    for person in (f"q{n}" for n in range(10)):
        for name, kind in (("rgb1", RGB), ("sk", SKETCH), ("ir", INFRARED)):
            camera, source = (None, f"{person}/g2.jpg") if kind is SKETCH else ("c1", None)
            rows.append(ManifestRow(f"{person}/{name}.jpg", None, person, kind, QUERY, camera, source))
        rows.append(ManifestRow(None, f"A woman with bag number {person[1]}", person, TEXT, QUERY))
        rows += [ManifestRow(f"{person}/g{n}.jpg", None, person, RGB, GALLERY, f"c{n}") for n in (2, 3)]
    return rows


def write(folder: Path, rows: Rows) -> Path:
    """Write a manifest, and for each of its pictures a file of its own content."""
    for row in rows:
        if row.path is not None and not (folder / row.path).exists():
            (folder / row.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / row.path).write_text(row.path)
    write_manifest(folder / "m.csv", rows)
    return folder / "m.csv"


def tell(path: Path, **options: bool) -> list[str]:
    return [f"{remark.severity}: {remark.text}" for remark in check_manifest(path, **options)]


def change(**cells: object) -> Callable[..., Edit]:
    """Return the editing of cells in those rows whose cells are as told: change(person="1")(split=TRAIN)."""

    def where(most: int = 1000, **wanted: object) -> Edit:
        def edit(rows: Rows) -> Rows:
            hits = [n for n, row in enumerate(rows) if all(getattr(row, key) == wanted[key] for key in wanted)][:most]
            assert hits
            return [replace(row, **cells) if n in hits else row for n, row in enumerate(rows)]  # type: ignore[arg-type]

        return edit

    return where


def without(**wanted: object) -> Edit:
    return lambda rows: [row for row in rows if not all(getattr(row, key) == wanted[key] for key in wanted)]


def with_row(*cells: object) -> Edit:
    return lambda rows: [*rows, ManifestRow(*cells)]  # type: ignore[arg-type]


def only(*splits: Split) -> Edit:
    return lambda rows: [row for row in rows if row.split in splits]


def each(edit: Callable[[int, ManifestRow], ManifestRow]) -> Edit:
    return lambda rows: [edit(n, row) for n, row in enumerate(rows)]


MISTAKES: dict[str, Edit] = {
    "no gallery": without(split=GALLERY),
    "no query": without(split=QUERY),
    "gallery without photos": change(modality=INFRARED)(split=GALLERY),
    "sentences in the gallery": with_row(None, "A girl in a long red coat", "q0", TEXT, GALLERY),
    "one person in the gallery": lambda rows: [row for row in rows if row.split in (TRAIN, VAL) or row.person == "q0"],
    "few persons in the gallery": lambda rows: [
        row for row in rows if row.split in (TRAIN, VAL) or row.person in ("q0", "q1")
    ],
    "persons in query only": without(split=GALLERY, person="q3"),
    "the same camera": change(camera="c1")(split=GALLERY, person="q3"),
    "one camera for everything": change(camera="c1")(modality=RGB),
    "the query's own picture only": lambda rows: [
        row for row in rows if not (row.person == "q2" and row.split is GALLERY and row.path != "q2/g2.jpg")
    ],
    "person in train and test": change(person="t1")(person="q1", split=QUERY, modality=TEXT),
    "person in train and val": change(split=VAL)(person="t1", modality=SKETCH),
    "persons in val and test": each(
        lambda _, row: replace(row, person={"v0": "q0", "v1": "q1"}.get(row.person, row.person))
    ),
    "train without photos": without(split=TRAIN, modality=RGB),
    "person in train without photo": without(person="t1", modality=RGB),
    "one person in train": lambda rows: [row for row in rows if row.person not in ("t1", "t2")],
    "val without photos": without(split=VAL, modality=RGB),
    "no val": without(split=VAL),
    "nothing to evaluate": only(TRAIN, VAL),
    "modality in train only": change(modality=PENCIL)(split=TRAIN, modality=SKETCH, person="t0"),
    "modality that is never trained": change(modality=PENCIL)(split=QUERY, modality=SKETCH, most=3),
    "modality that only synthesis makes": without(split=TRAIN, modality=SKETCH),
    "twins by zeros": lambda rows: change(person="0012")(person="t0")(change(person="12")(person="t1")(rows)),
    "numbers made of ids, and capitals": lambda rows: change(person="7.0")(person="t0")(
        change(person="7")(person="t1")(change(person="Q1")(person="q1", split=GALLERY, most=1)(rows))
    ),
    "nobody": change(person="unknown")(person="t2"),
    "a person for each picture": each(lambda n, row: replace(row, person=f"p{n}", source=None)),
    "camera and person swapped": each(lambda _, row: replace(row, camera=row.person)),
    "cameras of some only": change(camera=None)(split=GALLERY, most=5),
    "no cameras": change(camera=None)(modality=RGB),
    "a camera for each picture": each(lambda n, row: replace(row, camera=str(n))),
    "several queries of a kind": with_row(None, "A man in a long red coat", "q0", TEXT, QUERY),
    "source that is not there": change(source="q0/photo.jpg")(source="q0/g2.jpg"),
    "source of another person": change(source="q1/g2.jpg")(source="q0/g2.jpg"),
    "caption that is a file": change(caption="captions/0001.txt")(person="t0", modality=TEXT),
    "caption that says nothing": lambda rows: change(caption="N/A")(person="t0", modality=TEXT)(
        change(caption="-")(person="t1", modality=TEXT)(rows)
    ),
    "caption too long": change(caption="a man in a red coat, " * 13)(person="t0", modality=TEXT),
    "caption in another script": change(caption="一个穿红色外套的女人")(person="t0", modality=TEXT),
    "caption of several persons": change(caption="A man.")(split=QUERY, modality=TEXT, most=3),
    "picture of two persons": with_row("q1/g2.jpg", None, "q0", RGB, QUERY, "c1"),
    "picture of two modalities": with_row("q1/g2.jpg", None, "q1", SKETCH, QUERY),
    "two spellings of a path": with_row("./q1//g2.jpg", None, "q1", RGB, GALLERY, "c2"),
    "not a picture": with_row("q1/g4.mp4", None, "q1", RGB, GALLERY, "c4"),
}


def test_nothing_is_said_of_a_good_manifest(tmp_path: Path) -> None:
    assert tell(write(tmp_path, good()), compare_contents=True) == []


@pytest.mark.parametrize("name", READING_MISTAKES)
def test_reading_mistakes_come_through(tmp_path: Path, name: str) -> None:
    (before, after), told = READING_MISTAKES[name]
    path = write(tmp_path, good())
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        check_manifest(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert told in message
    assert ";" in message
    assert "\n" not in message


WITH_CONSEQUENCES = {
    "persons in query only": 3,
    "person in train and test": 2,
    "train without photos": 2,
    "numbers made of ids, and capitals": 2,
    "a person for each picture": 3,
    "camera and person swapped": 2,
    "picture of two persons": 2,
    "picture of two modalities": 2,
}
"""How many lines there are of a mistake that makes others."""


def read_told() -> dict[str, str]:
    """Return what is to be told of each mistake: in the file, a name and the line of it take turns."""
    lines = Path(__file__).with_name("manifest_mistakes.txt").read_text(encoding="utf-8").splitlines()
    return {name: told.strip() for name, told in zip(lines[::2], lines[1::2], strict=True)}


TOLD = read_told()


def test_every_mistake_is_in_the_file() -> None:
    assert list(TOLD) == list(MISTAKES)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    lines = tell(write(tmp_path, MISTAKES[name](good())))
    assert TOLD[name] in lines
    assert len(lines) == WITH_CONSEQUENCES.get(name, 1)
    assert not any("\n" in line for line in lines)


def test_errors_come_first(tmp_path: Path) -> None:
    rows = [row for row in good() if row.split is not GALLERY or row.person == "q0"]
    severities = [remark.severity for remark in check_manifest(write(tmp_path, rows))]
    assert severities == sorted(severities, key=("error", "warning", "note").index)
    assert len(set(severities)) > 1
