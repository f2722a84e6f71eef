from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

import pytest

from aio_reid.errors import ConfigError, DataError
from aio_reid.gallery.store.entries import folder_entries, merged_entries, table_entries
from aio_reid.gallery.store.names import NamePattern, read_time
from aio_reid.records import Modality

NOON = datetime(2026, 4, 12, 12, 0, 0)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("{camera}_{time:%Y%m%d%H%M%S}_*", "north_20260412120000_0001.jpg", ("north", NOON, None, None, {})),
        ("{camera}_{time:%Y%m%d%H%M%S}_*", "north_gate_20260412120000_1.jpg", ("north_gate", NOON, None, None, {})),
        ("{person}_c{camera}s*_{frame}", "0002_c1s1_000451.jpg", ("1", None, None, 451, {"person": "0002"})),
        ("{camera}/{track}/{frame}.*", "a/b/c3/t 9/17.png", ("c3", None, "t 9", 17, {})),
        (
            "{time:%Y-%m-%dT%H.%M.%S.%f}*",
            "2026-04-12T12.00.00.5.png",
            (None, NOON.replace(microsecond=500000), None, None, {}),
        ),
        ("h{height:number}", "h181.5.jpg", (None, None, None, None, {"height": 181.5})),
        ("{camera}+[{x}].jpg", "a+[b].jpg", ("a", None, None, None, {"x": "b"})),
    ],
)
def test_names_are_read(pattern: str, name: str, expected: tuple[object, ...]) -> None:
    found = NamePattern(pattern).read(Path(name))
    assert (found.camera, found.time, found.track, found.frame, found.columns) == expected


def test_names_that_are_no_utf8_and_frames_that_are_too_large() -> None:
    name = Path(os.fsdecode(b"caf\xe9_12.jpg"))
    assert NamePattern("{camera}_{frame}").read(name).camera == "caf\N{REPLACEMENT CHARACTER}"
    with pytest.raises(DataError, match="give a whole number from 0 to"):
        NamePattern("{frame}").read(Path(f"{2**63}.jpg"))


def test_modality_from_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 1: pictures cannot be of modality 'text'"):
        table_entries(tmp_path / "m.csv", [{"path": "a.png", "modality": "text"}], Modality.RGB)
    assert NamePattern("{modality}/*").read(Path("x/infrared/1.png")).modality is Modality.INFRARED
    with pytest.raises(DataError, match="pictures cannot be of modality 'night'"):
        NamePattern("{modality}/*").read(Path("x/night/1.png"))


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("{camera", "has a brace without its counterpart"),
        ("{camera}_{camera}", "the field 'camera' is no name, or stands twice"),
        ("{}_x", "the field '' is no name"),
        ("{time}_x", "give the time a format with a year"),
        ("{time:%H%M}_x", "give the time a format with a year"),
        ("{time:%Y%Q}_x", "%Q is not read"),
        ("{camera:text}", "'text' is no kind"),
        ("*.jpg", "has no field"),
    ],
)
def test_wrong_patterns_are_one_line(pattern: str, line: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(line)):
        NamePattern(pattern)


def test_names_that_do_not_fit() -> None:
    pattern = NamePattern("{camera}_{time:%Y%m%d}")
    with pytest.raises(DataError, match="does not fit"):
        pattern.read(Path("north-20260412.jpg"))
    with pytest.raises(DataError, match="'20261399' in its name is no time of the form '%Y%m%d'"):
        pattern.read(Path("north_20261399.jpg"))


def test_a_folder_with_some_names_that_fit(tmp_path: Path) -> None:
    for name in ("n_20260412.jpg", "other.jpg"):
        (tmp_path / name).write_bytes(b"")
    listed = folder_entries(tmp_path, Modality.RGB, NamePattern("{camera}_{time:%Y%m%d}"), skip=None)
    assert [entry.path.name for entry in listed.entries] == ["n_20260412.jpg"]
    assert [item.path.name for item in listed.unreadable] == ["other.jpg"]
    with pytest.raises(DataError, match="not one name can be read"):
        folder_entries(tmp_path, Modality.RGB, NamePattern("{camera}={frame}"), skip=None)


def test_rows_of_a_manifest(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {
            "path": "a/1.jpg",
            "camera": "n",
            "time": "2026-04-12T12:00",
            "frame": "7",
            "person": 12,
            "height:number": "180",
        },
        {
            "path": "a/2.jpg",
            "modality": "infrared",
            "time": NOON,
            "track": "t",
            "source": "v.mp4",
            "height": 3,
            "bag": None,
        },
        {"path": None, "caption": "a man"},
    ]
    listed = table_entries(tmp_path / "m.csv", rows, Modality.RGB)
    first, second = listed.entries
    assert listed.num_sentences == 1
    assert (first.path, first.modality) == (tmp_path / "a" / "1.jpg", Modality.RGB)
    assert (first.description.time, first.description.frame) == (NOON, 7)
    assert first.description.columns == {"person": "12", "height": 180.0}
    assert (second.modality, second.description.time, second.description.track) == (Modality.INFRARED, NOON, "t")
    assert second.description.columns == {"height": 3.0}
    with pytest.raises(DataError, match="row 1: frame is 'x'"):
        table_entries(tmp_path / "m.csv", [{"path": "a", "frame": "x"}], Modality.RGB)
    with pytest.raises(DataError, match="names no picture"):
        table_entries(tmp_path / "m.csv", rows[2:], Modality.RGB)


def test_times_have_no_zone() -> None:
    assert read_time("2026-04-12 12:00:00") == NOON
    with pytest.raises(DataError, match="leave the zone out"):
        read_time("2026-04-12T12:00:00Z")
    with pytest.raises(DataError, match="cannot be read"):
        read_time("noon")


def test_a_folder_and_a_manifest_of_it_are_told_together(people: Path) -> None:
    table = people / "visits.csv"
    rows = [{"path": "camera 0/00_red.png", "camera": "gate", "modality": "infrared", "person": "7"}]
    listed = (
        folder_entries(people, Modality.RGB, NamePattern("camera {camera}/{frame}_{colour}"), skip=None),
        table_entries(table, rows, Modality.RGB),
    )
    entries = merged_entries([*listed, folder_entries(people / "camera 0", Modality.RGB, None, skip=None)])
    assert len(entries) == 24
    first = next(entry for entry in entries if entry.path.name == "00_red.png")
    assert first.modality is Modality.INFRARED and first.description.camera == "gate"
    assert first.description.frame == 0 and first.description.columns == {"colour": "red", "person": "7"}


def test_a_manifest_may_hold_one_file_as_two_kinds(people: Path) -> None:
    rows = [{"path": "camera 0/00_red.png", "modality": name} for name in ("sketch", "rgb", "sketch")]
    entries = merged_entries([table_entries(people / "visits.csv", rows, Modality.RGB)])
    assert [entry.modality for entry in entries] == [Modality.SKETCH, Modality.RGB]
