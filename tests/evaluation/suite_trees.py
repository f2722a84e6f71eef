"""Small copies of every data set in its published layout, of noise, with enough in each to be scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from PIL import Image
from scipy.io import savemat

from aio_reid.datasets.manifest import ManifestRow, write_manifest
from aio_reid.datasets.orbench import GALLERY, TASKS
from aio_reid.records import Modality, Split

SENTENCES = ("A man in a red coat.", "A woman with a black bag.", "A boy in blue shorts.", "A girl in a white dress.")
STYLES = {"a_46": 11, "b_20": 5, "c_79": 20, "d_33": 8, "e_22": 6}


def draw(*paths: Path) -> None:
    """Write noise, another for every path."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(crc32(path.as_posix().encode())).integers(0, 256, (32, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def market1501(root: Path) -> None:
    draw(root / "bounding_box_train" / "0010_c1s1_000451_03.jpg")
    for person in (1, 2, 3):
        draw(root / "query" / f"000{person}_c1s1_001051_00.jpg")
        draw(*(root / "bounding_box_test" / f"000{person}_c{camera}s1_000301_0{camera}.jpg" for camera in (1, 2, 3)))
    draw(root / "bounding_box_test" / "0000_c1s1_000151_01.jpg")


def sysu_mm01(root: Path) -> None:
    for part, ids in (("train", "1"), ("val", "2"), ("test", "6,10,12")):
        write(root / "exp" / f"{part}_id.txt", ids)
    for person in (1, 2, 6, 10, 12):
        draw(*(root / f"cam{camera}" / f"{person:04}" / f"000{n}.jpg" for camera in range(1, 7) for n in (1, 2, 3)))


def sysu_permutations(root: Path) -> None:
    rng = np.random.default_rng(0)
    cameras = np.empty((6, 1), object)
    for camera in range(6):
        persons = np.empty((12, 1), object)
        for person in range(12):
            persons[person, 0] = np.array([rng.permutation(3) + 1 for _ in range(10)], np.uint8)
        cameras[camera, 0] = persons
    savemat(root / "exp" / "rand_perm_cam.mat", {"rand_perm_cam": cameras})


def pku_sketch(root: Path) -> None:
    person = 0
    for style, share in STYLES.items():
        persons = range(person + 1, person + share + 2)  # one more than a split tests
        person += share + 1
        write(root / "styleAnnotation" / f"{style}.txt", "\n".join(map(str, persons)))
        for number in persons:
            draw(
                *(root / "photo" / f"{number}_0{camera}_7.jpg" for camera in (3, 5)), root / "sketch" / f"{number}.jpg"
            )
    write(root / "descriptions.json", json.dumps(dict(zip("123", SENTENCES, strict=False))))


def _captioned(root: Path, annotation: str, key: str, sketches: str, first: int) -> None:
    entries: list[dict[str, Any]] = [{"split": "train", "id": 1, key: "t/1.jpg", "captions": [SENTENCES[0]]}]
    for number in range(4):
        name = f"a/{number}.jpg"
        entries.append(
            {"split": "test", "id": first + number // 2, key: name, "captions": [SENTENCES[number], f"It is {number}."]}
        )
    draw(*(root / folder / entry[key] for folder in ("imgs", sketches) for entry in entries))
    write(root / annotation, json.dumps(entries))


def cuhk_pedes(root: Path) -> None:
    _captioned(root, "reid_raw.json", "file_path", "imgs-sketch2", 12_004)


def icfg_pedes(root: Path) -> None:
    _captioned(root, "ICFG-PEDES.json", "file_path", "imgs-sketch", 3_102)


def rstpreid(root: Path) -> None:
    _captioned(root, "data_captions.json", "img_path", "imgs-sketch", 3_901)


def orbench(root: Path) -> None:
    train = [{"id": 1, "file_path": "vis/0003/a.jpg", "caption": SENTENCES[0]}]
    draw(*(root / kind / "0003" / "a.jpg" for kind in ("vis", "nir", "cp", "sk")))
    write(root / "train_annos.json", json.dumps(train))
    persons = {601: "0707", 888: "0706"}
    lists: dict[str, list[list[Any]]] = {task: [] for task in (GALLERY, *TASKS)}
    for number, (person, folder) in enumerate(persons.items()):
        items = {part: [f"{part.lower()}/{folder}/{n}.jpg" for n in (1, 2)] for part in ("NIR", "CP", "SK")}
        photos = [f"vis/{folder}/{n}.jpg" for n in (1, 2)]
        draw(*(root / name for names in (photos, *items.values()) for name in names))
        items["TEXT"] = [SENTENCES[2 * number], SENTENCES[2 * number + 1]]
        lists[GALLERY] += [[person, photo] for photo in photos]
        for task in TASKS:
            leading, *others = task.split("+")
            lists[task] += [[person, item, *(items[part][-1] for part in others)] for item in items[leading]]
    write(root / "test_gallery_and_queries.json", json.dumps(lists))


def people(root: Path) -> None:
    """A manifest; two records of each modality, so that queries depend on the seed."""
    rows = []
    for person in ("ann", "bob", "eve"):
        for modality in Modality:
            for number in (1, 2):
                name = f"query/{person}_{modality.value}_{number}.png"
                path, caption = (name, None) if modality.is_visual else (None, f"{person}, {SENTENCES[number]}")
                rows.append(ManifestRow(path, caption, person, modality, Split.QUERY, f"c{number}"))
        photos = [f"gallery/{person}_{number}.png" for number in (3, 4)]
        rows += [ManifestRow(photo, None, person, Modality.RGB, Split.GALLERY, "c9") for photo in photos]
    draw(*(root / row.path for row in rows if row.path is not None))
    write_manifest(root / "manifest.csv", rows)


def llcm(root: Path) -> None:
    for sensor, cameras in (("vis", (1, 2, 3)), ("nir", (1, 2))):
        draw(root / sensor / "0001" / f"0001_c01_s185734_f3195_{sensor}.jpg")
        write(root / "idx" / f"train_{sensor}.txt", f"{sensor}/0001/0001_c01_s185734_f3195_{sensor}.jpg 0\n")
        for person in (3, 10, 11):
            for camera in cameras:
                folder = root / f"test_{sensor}" / f"cam{camera}" / f"{person:04}"
                draw(*(folder / f"{person:04}_c0{camera}_s100000_f{n}_{sensor}.jpg" for n in (1, 2)))
    write(root / "idx" / "test_id.txt", "3,10,11")


def regdb(root: Path) -> None:
    def picture(kind: str, person: int, number: int) -> str:
        return f"{kind}/{person}/male_front_{kind[0].lower()}_{number:05d}_{person}.bmp"

    persons = (1, 2, 10, 285)
    for kind in ("Visible", "Thermal"):
        draw(*(root / picture(kind, person, number) for person in persons for number in (7, 9)))
        for trial in range(1, 11):
            halves = (persons[:2], persons[2:]) if trial % 2 else (persons[2:], persons[:2])
            for part, half in zip(("train", "test"), halves, strict=True):
                lines = [f"{picture(kind, p, n)} {label}" for label, p in enumerate(half) for n in (7, 9)]
                write(root / "idx" / f"{part}_{kind.lower()}_{trial}.txt", "\n".join(lines))


def market_sketch_1k(root: Path) -> None:
    draw(root / "photo" / "train" / "0010_c1s1_000451_03.jpg")
    for person in (1, 2):
        draw(*(root / "photo" / "query" / f"000{person}_c{camera}s1_000301_0{camera}.jpg" for camera in (1, 2, 3)))
        draw(*(root / "sketch" / style / "query" / f"000{person}_{style}.jpg" for style in "ABCDEF"))
    draw(*(root / "sketch" / style / "train" / f"0010_{style}.jpg" for style in "ABCDEF"))


def msmt17(root: Path) -> None:
    lists = {
        "train": ["0000/0000_000_01_0303morning_0008_0.jpg"],
        "val": ["0000/0000_005_14_0303noon_0100_2.jpg"],
        "query": ["0000/0000_002_15_0302afternoon_0010_1.jpg", "0001/0001_002_15_0302afternoon_0010_1.jpg"],
        "gallery": ["0000/0000_001_04_0113morning_0015_0.jpg", "0001/0001_000_01_0303morning_0019_1.jpg"],
    }
    for split, names in lists.items():
        draw(*(root / ("train" if split in ("train", "val") else "test") / name for name in names))
        write(root / f"list_{split}.txt", "".join(f"{name} {int(name[:4])}\n" for name in names))


def cuhk03(root: Path) -> None:
    for boxes in ("detected", "labeled"):
        draw(root / boxes / "bounding_box_train" / "0003_c1_1.png")
        for person in (1, 2):
            draw(root / boxes / "query" / f"000{person}_c1_1.png")
            draw(*(root / boxes / "bounding_box_test" / f"000{person}_c2_{n}.png" for n in (6, 7)))


TREES = {
    "market1501": market1501,
    "SYSU-MM01": sysu_mm01,
    "PKU-Sketch": pku_sketch,
    "CUHK-PEDES": cuhk_pedes,
    "ORBench": orbench,
    "people": people,
    "LLCM": llcm,
    "RegDB": regdb,
    "Market-Sketch-1K": market_sketch_1k,
    "ICFG-PEDES": icfg_pedes,
    "RSTPReid": rstpreid,
    "MSMT17_V1": msmt17,
    "cuhk03": cuhk03,
}
"""Name of a folder -> what fills it."""


def grow_all(root: Path) -> None:
    """Make all copies below `root`."""
    for name, grow in TREES.items():
        grow(root / name)
    sysu_permutations(root / "SYSU-MM01")
