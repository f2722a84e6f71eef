"""ORBench on a small copy of the published layout: two persons to train on, two to test."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from aio_reid.datasets.orbench import GALLERY, TASKS, parse, parse_tasks
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

NIR = ["nir/0706/0706_sysu_0228_cam3_0013_nir.jpg", "nir/0706/0706_sysu_0228_cam6_0014_nir.jpg"]
ITEMS = {
    "NIR": NIR,
    "CP": ["cp/0706/0706_sysu_0228_back_1_colorpencil.jpg"],
    "SK": ["sk/0706/0706_sysu_0228_front_4_sketch.jpg"],
    "TEXT": ["A man with a red bag.", "He wears a hat."],
}
"""What is known of person 888, whose folder is 0706."""

TRAIN = [
    {"id": 2, "file_path": "vis/0003/b.jpg", "caption": "A woman."},
    {"id": 2, "file_path": "vis/0003/a.jpg", "caption": "A woman in blue."},
    {"id": 1, "file_path": "vis/0100/c.jpg", "caption": "A boy."},
]


def entries_of(task: str) -> list[list[Any]]:
    """The leading part names each of its items; a partner of each other part stands beside it."""
    leading, *others = task.split("+")
    return [[888, item, *(ITEMS[part][-1] for part in others)] for item in ITEMS[leading]]


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    gallery = [[888, "vis/0706/x.jpg"], [601, "vis/0707/y.jpg"]]
    touch(tmp_path, *(path for _, path in gallery), *(entry["file_path"] for entry in TRAIN))  # type: ignore[misc]
    touch(tmp_path, *NIR, *ITEMS["CP"], *ITEMS["SK"])
    for folder in ("0003", "0100"):
        for kind, last in (("nir", "cam3_0001_nir"), ("cp", "back_1_colorpencil"), ("sk", "front_2_sketch")):
            touch(tmp_path, f"{kind}/{folder}/{folder}_llcm_0001_{last}.jpg", f"{kind}/{folder}/Thumbs.db")
    write(tmp_path, {GALLERY: gallery, **{task: entries_of(task) for task in TASKS}})
    (tmp_path / "train_annos.json").write_text(json.dumps(TRAIN), encoding="utf-8")
    return tmp_path


def write(root: Path, test: dict[str, Any]) -> None:
    (root / "test_gallery_and_queries.json").write_text(json.dumps(test), encoding="utf-8")


def read(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / "test_gallery_and_queries.json").read_text(encoding="utf-8"))
    return content


def test_the_32_tasks() -> None:
    assert len(TASKS) == len(set(TASKS)) == 32
    assert [sum(len(task.split("+")) == size for task in TASKS) for size in (1, 2, 3, 4)] == [4, 12, 12, 4]
    assert set(TASKS[:16]) == {*ITEMS, *("+".join(pair) for pair in permutations(ITEMS, 2))}
    assert set(TASKS[28:]) == {"NIR+CP+SK+TEXT", "CP+NIR+SK+TEXT", "SK+NIR+CP+TEXT", "TEXT+NIR+CP+SK"}
    three = "NIR+CP+SK CP+NIR+SK SK+NIR+CP NIR+CP+TEXT CP+NIR+TEXT TEXT+NIR+CP NIR+SK+TEXT SK+NIR+TEXT TEXT+NIR+SK"
    assert set(TASKS[16:28]) == {*three.split(), "CP+SK+TEXT", "SK+CP+TEXT", "TEXT+CP+SK"}


def test_records(tree: Path) -> None:
    records = parse(tree)
    shown = [(r.split.value, r.modality.value, r.person_id) for r in records]
    train = [("train", kind, person) for kind in ("infrared", "pencil", "sketch") for person in ("2", "1")]
    assert shown == [
        *(("train", kind, person) for kind in ("rgb", "text") for person in ("1", "2", "2")),
        *train,  # ordered by folder, and folder 0003 is of person 2
        ("gallery", "rgb", "888"),
        ("gallery", "rgb", "601"),
        *(("query", kind, "888") for kind in ("infrared", "infrared", "pencil", "sketch", "text", "text")),
    ]
    assert (records[4].caption, records[4].source_image_id) == ("A woman in blue.", "vis/0003/a.jpg")
    assert all(r.image_path is None or r.image_path.is_file() for r in records)
    assert {r.dataset for r in records} == {"orbench (2 of 600 train persons, 2 of 400 test persons)"}


def test_queries_follow_their_key(tree: Path) -> None:
    tasks = parse_tasks(tree)
    assert tuple(tasks) == TASKS
    kinds = {"NIR": Modality.INFRARED, "CP": Modality.PENCIL, "SK": Modality.SKETCH, "TEXT": Modality.TEXT}
    for task, queries in tasks.items():
        parts = task.split("+")
        assert len(queries) == len(ITEMS[parts[0]])  # one for each item of the leading part
        for query, (_, *items) in zip(queries, entries_of(task), strict=True):
            assert [r.modality for r in query] == [kinds[part] for part in parts]
            assert [r.caption or r.image_path.relative_to(tree).as_posix() for r in query] == items  # type: ignore[union-attr]
            assert {(r.person_id, r.split) for r in query} == {("888", Split.QUERY)}
    assert len(tasks["NIR+CP"]) == 2
    assert len(tasks["CP+NIR"]) == 1
    assert {r.dataset for queries in tasks.values() for query in queries for r in query} == {parse(tree)[0].dataset}


def test_what_many_lists_name_is_one_record(tree: Path) -> None:
    found: dict[str, set[int]] = {}
    for queries in parse_tasks(tree).values():
        for record in (record for query in queries for record in query):
            found.setdefault(named(record), set()).add(id(record))
    assert len(found) == 6
    assert all(len(ids) == 1 for ids in found.values())


def test_each_record_of_a_query_is_there_once(tree: Path) -> None:
    asked = [r for r in parse(tree) if r.split is Split.QUERY]
    assert len(asked) == len(set(asked)) == 6
    assert {named(r) for r in asked} == {str(tree / i) if "/" in i else i for items in ITEMS.values() for i in items}
    assert asked[:2] == [query[0] for query in parse_tasks(tree)["NIR"]]


def named(record: Record) -> str:
    return str(record.caption or record.image_path)


@pytest.mark.parametrize(
    ("task", "entries", "parts"),
    [
        ("NIR+CP", [[888, NIR[0]]], ("NIR+CP, entry 1", "not a person and 2 items")),
        ("TEXT", [[888, ITEMS["TEXT"]]], ("TEXT, entry 1: ['A man", "a sentence")),
        ("TEXT", [[888, " "]], ("TEXT, entry 1: ' '", "a sentence")),
        ("SK", [["x", ITEMS["SK"][0]]], ("SK, entry 1: person is 'x'", "whole number")),
        ("SK", [[True, ITEMS["SK"][0]]], ("SK, entry 1: person is True", "whole number")),
        ("CP", [], ("CP: there is no list of entries",)),
        ("CP", {"888": 1}, ("CP: there is no list of entries",)),
        ("CP+NIR", [[888, NIR[0], *ITEMS["CP"]]], (f"CP+NIR, entry 1: {NIR[0]!r}", "cp/FOLDER/NAME.jpg")),
        (GALLERY, [[888, NIR[0]]], (f"{GALLERY}, entry 1: {NIR[0]!r}", "vis/FOLDER/NAME.jpg")),
        ("CP", [[888, "cp/0706/gone.jpg"]], ("1 of the pictures", "cp/0706/gone.jpg", "complete the copy")),
    ],
)
def test_wrong_entries_are_named(tree: Path, task: str, entries: Any, parts: tuple[str, ...]) -> None:
    write(tree, read(tree) | {task: entries})
    with pytest.raises(DataError) as caught:
        parse_tasks(tree)
    assert "\n" not in str(caught.value)
    for part in (str(tree), *parts):
        assert part in str(caught.value)


def test_lists_of_another_release(tree: Path) -> None:
    content = read(tree)
    write(tree, {key: value for key, value in content.items() if key != "TEXT+CP"})
    with pytest.raises(DataError, match=r"lacks list 'TEXT\+CP'; it has the 33 of the published file"):
        parse_tasks(tree)
    write(tree, content | {"SK+CP+NIR": []})
    with pytest.raises(DataError, match=r"has the unknown list 'SK\+CP\+NIR'"):
        parse(tree)
    write(tree, content | {GALLERY: [[n, "vis/0706/x.jpg"] for n in range(401)]})
    with pytest.raises(DataError, match="holds 401 test persons, but 400 were published"):
        parse(tree)


def test_a_folder_of_two_persons_links_nothing(tree: Path) -> None:
    (tree / "train_annos.json").write_text(json.dumps([TRAIN[0], TRAIN[1] | {"id": 3}]), encoding="utf-8")
    with pytest.raises(DataError, match="the folder vis/0003 is of the persons 2 and 3"):
        parse(tree)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ('[{"id": 1}]', ("entry 1: there is no 'file_path'",)),
        (json.dumps([TRAIN[0] | {"file_path": "0003/b.jpg"}]), ("file_path is '0003/b.jpg'", "vis/FOLDER/NAME.jpg")),
        (json.dumps([TRAIN[0] | {"file_path": "vis/0003/gone.jpg"}]), ("1 of the pictures", "gone.jpg")),
        (json.dumps([TRAIN[0] | {"caption": None}]), ("entry 1: caption is None",)),
        ("[", ("cannot be read as a JSON list",)),
    ],
)
def test_a_wrong_training_annotation(tree: Path, content: str, parts: tuple[str, ...]) -> None:
    (tree / "train_annos.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        parse(tree)
    for part in (str(tree), *parts):
        assert part in str(caught.value)


def test_missing_and_broken_files(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(DataError, match=r"there is no train_annos\.json in"):
        parse(tmp_path_factory.mktemp("empty"))
    for path in (tree / "sk").rglob("*.jpg"):
        if path.parent.name != "0706":
            path.unlink()
    with pytest.raises(DataError, match=r"no \.jpg files of training persons in .*sk; complete the copy"):
        parse(tree)
    for content in ("{", "[]"):
        (tree / "test_gallery_and_queries.json").write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=r"queries\.json cannot be read as a JSON object \((Exp|it holds)"):
            parse(tree)
    (tree / "test_gallery_and_queries.json").unlink()
    with pytest.raises(DataError, match=r"there is no test_gallery_and_queries\.json in"):
        parse_tasks(tree)
