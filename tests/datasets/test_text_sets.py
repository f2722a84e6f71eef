"""CUHK-PEDES, ICFG-PEDES and RSTPReid on small copies of the published layout, and the same with sketches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aio_reid.datasets import cuhk_pedes, icfg_pedes, rstpreid
from aio_reid.datasets.tri_modal import PUBLISHED, parse_tri_cuhk_pedes, parse_tri_icfg_pedes, parse_tri_rstpreid
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

Entries = list[dict[str, Any]]

CUHK: Entries = [
    {"split": "test", "id": 12004, "file_path": "train_query/p11600_s14885.jpg", "captions": ["A man.", "He walks."]},
    {"split": "train", "id": 10, "file_path": "CUHK01/0363004.png", "captions": ["A woman in a red coat."]},
    {"split": "train", "id": 9, "file_path": "cam_a/009_2.jpg", "captions": ["One.", "Two.", "Three."]},
    {"split": "train", "id": 9, "file_path": "cam_a/009_1.jpg", "captions": []},
    {"split": "val", "id": 11004, "file_path": "Market/0002_c1s1_000451_03.jpg", "captions": ["A boy.", " "]},
]
"""Gaps between the ids, .jpg and .png, one, two, three captions and none, a blank one."""

ICFG: Entries = [
    {
        "split": "test",
        "id": 3102,
        "file_path": "train/0627/0627_010_05_0303afternoon_1591_0.jpg",
        "captions": ["A man."],
    },
    {"split": "train", "id": 0, "file_path": "test/0000/0000_000_01_0303morning_0008_0.jpg", "captions": ["A girl."]},
]
"""The folders are MSMT17's: here each is of the other split."""

RSTP: Entries = [
    {"split": "train", "id": 0, "img_path": "0000_c14_0031.jpg", "captions": ["A man.", "He sits."]},
    {"split": "val", "id": 3701, "img_path": "3701_c1_0001.jpg", "captions": ["A woman.", "She sits."]},
    {"split": "test", "id": 3901, "img_path": "3901_c5_0002.jpg", "captions": ["A boy.", "He runs."]},
]


def make_copy(root: Path, annotation: str, entries: Entries, *folders: str) -> Path:
    """Write the annotation and a file for each photo in each folder."""
    for folder in folders:
        for entry in entries:
            path = root / folder / (entry.get("file_path") or entry["img_path"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (root / folder / "Thumbs.db").touch()
    root.mkdir(parents=True, exist_ok=True)
    (root / annotation).write_text(json.dumps(entries), encoding="utf-8")
    return root


def described(records: list[Record], kind: Modality) -> list[tuple[str, str, str]]:
    shown = [(r.split, r.person_id, r.caption or r.image_path.name) for r in records if r.modality is kind]  # type: ignore[union-attr]
    return [(split.value, person, what) for split, person, what in shown]


def test_cuhk_pedes(tmp_path: Path) -> None:
    records = cuhk_pedes.parse(make_copy(tmp_path, "reid_raw.json", CUHK, "imgs"))
    assert described(records, Modality.RGB) == [
        ("train", "9", "009_1.jpg"),
        ("train", "9", "009_2.jpg"),
        ("train", "10", "0363004.png"),
        ("val", "11004", "0002_c1s1_000451_03.jpg"),
        ("gallery", "12004", "p11600_s14885.jpg"),
    ]
    assert described(records, Modality.TEXT) == [
        ("train", "9", "One."),
        ("train", "9", "Two."),
        ("train", "9", "Three."),
        ("train", "10", "A woman in a red coat."),
        ("val", "11004", "A boy."),
        ("query", "12004", "A man."),
        ("query", "12004", "He walks."),
    ]
    assert len(records) == 12
    assert {r.source_image_id for r in records if r.split is Split.QUERY} == {"train_query/p11600_s14885.jpg"}
    assert all(r.source_image_id is None for r in records if r.modality is Modality.RGB)
    assert all(r.image_path is None or r.image_path.is_file() for r in records)
    assert {r.camera_id for r in records} == {None}
    assert {r.dataset for r in records} == {
        "cuhk-pedes (4 of 13003 persons, 3 of 34054 train photos, 1 of 3078 val photos, 1 of 3074 test photos, "
        "7 of 80440 captions)"
    }


@pytest.mark.parametrize("name", ["ICFG-PEDES.json", "ICFG_PEDES.json"])
def test_icfg_pedes_is_split_by_the_annotation_under_both_of_its_names(tmp_path: Path, name: str) -> None:
    records = icfg_pedes.parse(make_copy(tmp_path, name, ICFG, "imgs"))
    assert [(r.split, r.modality, r.person_id) for r in records] == [
        (Split.TRAIN, Modality.RGB, "0"),
        (Split.GALLERY, Modality.RGB, "3102"),
        (Split.TRAIN, Modality.TEXT, "0"),
        (Split.QUERY, Modality.TEXT, "3102"),
    ]
    assert records[3].source_image_id == "train/0627/0627_010_05_0303afternoon_1591_0.jpg"


def test_rstpreid_calls_its_paths_otherwise(tmp_path: Path) -> None:
    records = rstpreid.parse(make_copy(tmp_path, "data_captions.json", RSTP, "imgs"))
    assert described(records, Modality.RGB) == [
        ("train", "0", "0000_c14_0031.jpg"),
        ("val", "3701", "3701_c1_0001.jpg"),
        ("gallery", "3901", "3901_c5_0002.jpg"),
    ]
    assert [r.caption for r in records if r.split is Split.QUERY] == ["A boy.", "He runs."]


def test_the_full_release_has_the_plain_name(tmp_path: Path) -> None:
    whole = [
        {"split": split, "id": index // 5, "img_path": f"{index:05}.jpg", "captions": ["A man.", "He sits."]}
        for index in range(20_505)
        for split in ["train" if index < 18_505 else "val" if index < 19_505 else "test"]
    ]
    assert {r.dataset for r in rstpreid.parse(make_copy(tmp_path, "data_captions.json", whole, "imgs"))} == {"rstpreid"}


def test_another_release_is_not_taken_for_this_one(tmp_path: Path) -> None:
    larger = [{"split": "val", "id": 1, "img_path": f"{n}.jpg", "captions": []} for n in range(1001)]
    make_copy(tmp_path, "data_captions.json", larger, "imgs")
    with pytest.raises(DataError, match="holds 1001 val photos, but 1000 were published; remove the others"):
        rstpreid.parse(tmp_path)


def test_the_order_of_the_annotation_does_not_matter(tmp_path: Path) -> None:
    forwards = cuhk_pedes.parse(make_copy(tmp_path, "reid_raw.json", CUHK, "imgs"))
    assert cuhk_pedes.parse(make_copy(tmp_path, "reid_raw.json", CUHK[::-1], "imgs")) == forwards


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"split": "query2"}, ("entry 2: split is 'query2'", "train, val, test")),
        ({"split": None}, ("entry 2: split is None", "train, val, test")),
        ({"id": "p12"}, ("entry 2: id is 'p12'", "whole number")),
        ({"id": True}, ("entry 2: id is True", "whole number")),
        ({"id": 1.5}, ("entry 2: id is 1.5", "whole number")),
        ({"file_path": "../x.jpg"}, ("entry 2: file_path is '../x.jpg'", "relative")),
        ({"file_path": "/x.jpg"}, ("entry 2: file_path is '/x.jpg'", "relative")),
        ({"file_path": 7}, ("entry 2: file_path is 7", "relative")),
        ({"captions": [["a", "man"]]}, ("entry 2: captions is [['a', 'man']]", "a list of them")),
        ({"captions": 3}, ("entry 2: captions is 3", "a list of them")),
        (
            {"file_path": "CUHK01/gone.png"},
            ("1 of the pictures", "are missing, the first is", "gone.png", "complete the copy"),
        ),
        ({"file_path": "CUHK09/0363004.png"}, ("1 of the pictures", "CUHK09", "complete the copy")),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, change: dict[str, Any], parts: tuple[str, ...]) -> None:
    make_copy(tmp_path, "reid_raw.json", CUHK, "imgs")
    entries = [CUHK[0], CUHK[1] | change, *CUHK[2:]]
    (tmp_path / "reid_raw.json").write_text(json.dumps(entries), encoding="utf-8")
    assert_told(tmp_path, str(tmp_path), *parts)


@pytest.mark.parametrize("key", ["split", "id", "file_path", "captions"])
def test_an_entry_without_a_key_is_of_another_file(tmp_path: Path, key: str) -> None:
    make_copy(tmp_path, "reid_raw.json", CUHK, "imgs")
    entries = [{name: value for name, value in entry.items() if name != key} for entry in CUHK]
    (tmp_path / "reid_raw.json").write_text(json.dumps(entries), encoding="utf-8")
    assert_told(tmp_path, "entry 1", f"there is no {key!r}", "get that file")


def test_the_older_annotation_is_told_from_the_one_that_is_needed(tmp_path: Path) -> None:
    make_copy(tmp_path, "caption_all.json", CUHK, "imgs")
    assert_told(tmp_path, "holds caption_all.json, an older annotation without the split", "reid_raw.json is needed")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert_told(tmp_path, "there is no reid_raw.json in", "give the folder that holds it and 'imgs'")
    with pytest.raises(DataError, match=r"there is no ICFG-PEDES\.json or ICFG_PEDES\.json in"):
        icfg_pedes.parse(tmp_path)
    (tmp_path / "reid_raw.json").write_text(json.dumps(CUHK), encoding="utf-8")
    assert_told(tmp_path, "there is no folder", "imgs; reid_raw.json names pictures in it: complete the copy")
    (tmp_path / "reid_raw.json").write_text(json.dumps(CUHK)[:-40], encoding="utf-8")
    assert_told(tmp_path, "reid_raw.json cannot be read as a JSON list of objects", "get the file anew")


def assert_told(root: Path, *parts: str) -> None:
    with pytest.raises(DataError) as caught:
        cuhk_pedes.parse(root)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("parse", "annotation", "entries", "folder"),
    [
        (parse_tri_cuhk_pedes, "reid_raw.json", CUHK, "imgs-sketch2"),
        (parse_tri_icfg_pedes, "ICFG_PEDES.json", ICFG, "imgs-sketch"),
        (parse_tri_rstpreid, "data_captions.json", RSTP, "imgs-sketch"),
    ],
)
def test_every_photo_has_its_sketch(
    tmp_path: Path, parse: Callable[[Path], list[Record]], annotation: str, entries: Entries, folder: str
) -> None:
    records = parse(make_copy(tmp_path, annotation, entries, "imgs", folder))
    photos = [r for r in records if r.modality is Modality.RGB]
    sketches = [r for r in records if r.modality is Modality.SKETCH]
    assert len(photos) == len(sketches) == len(entries)
    for photo, sketch in zip(photos, sketches, strict=True):
        assert photo.image_path is not None
        assert sketch.image_path is not None
        path = photo.image_path.relative_to(tmp_path / "imgs").as_posix()
        assert sketch.image_path == tmp_path / folder / path
        assert (sketch.source_image_id, sketch.person_id) == (path, photo.person_id)
        assert sketch.split is (Split.QUERY if photo.split is Split.GALLERY else photo.split)
    assert f"{len(entries)} of {PUBLISHED[records[0].dataset.split(' ')[0]]['sketches']} sketches" in records[0].dataset


def test_photos_and_captions_are_those_of_the_text_set(tmp_path: Path) -> None:
    make_copy(tmp_path, "reid_raw.json", CUHK, "imgs", "imgs-sketch2")
    both = [
        [(r.split, r.person_id, r.image_path, r.caption, r.source_image_id) for r in records]
        for records in (
            cuhk_pedes.parse(tmp_path),
            [r for r in parse_tri_cuhk_pedes(tmp_path) if r.modality is not Modality.SKETCH],
        )
    ]
    assert both[0] == both[1]


def test_sketches_in_the_folder_of_the_other_sets_or_incomplete(tmp_path: Path) -> None:
    make_copy(tmp_path, "reid_raw.json", CUHK, "imgs", "imgs-sketch")
    with pytest.raises(DataError, match=r"there is no folder .*imgs-sketch2; reid_raw\.json names pictures in it"):
        parse_tri_cuhk_pedes(tmp_path)
    make_copy(tmp_path, "reid_raw.json", CUHK, "imgs-sketch2")
    (tmp_path / "imgs-sketch2" / "cam_a" / "009_2.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of the pictures .* missing, the first is .*imgs-sketch2/cam_a/009_2\.jpg"):
        parse_tri_cuhk_pedes(tmp_path)
