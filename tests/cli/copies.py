"""A small copy of every data set in the layout that it is published in: path below the root -> content of the file."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

from aio_reid.datasets.market_sketch_1k import STYLES
from aio_reid.datasets.orbench import GALLERY, TASKS

Files = dict[str, bytes]


def _make_picture() -> bytes:
    stream = BytesIO()
    Image.new("RGB", (8, 16), "blue").save(stream, "PNG")
    return stream.getvalue()


PICTURE = _make_picture()
"""One for all: a file's kind is told by its content, not by its ending."""


def is_picture(path: str) -> bool:
    return path.endswith((".jpg", ".png", ".bmp"))


def write_copy(root: Path, files: Files) -> Path:
    """Write the files below the root; return the root."""
    root.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def _pictures(*paths: str) -> Files:
    return dict.fromkeys(paths, PICTURE)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def make_mat(**variables: Any) -> bytes:
    """Return a MATLAB file of version 5."""
    stream = BytesIO()
    savemat(stream, variables)
    return stream.getvalue()


MARKET = _pictures(
    "bounding_box_train/0002_c1s1_000451_03.jpg",
    "query/0001_c1s1_001051_00.jpg",
    "bounding_box_test/0000_c1s1_000151_01.jpg",
    "bounding_box_test/0001_c2s1_000301_00.jpg",
)

MSMT_LISTS = {
    "train": "0000/0000_000_01_0303morning_0008_0.jpg",
    "val": "0001/0001_000_02_0303morning_0008_0.jpg",
    "query": "0002/0002_000_03_0303noon_0008_0.jpg",
    "gallery": "0002/0002_001_04_0303noon_0008_0.jpg",
}
PERSONS = {"train": 0, "val": 1, "query": 2, "gallery": 2}


def _msmt17(train: str, test: str) -> Files:
    folders = {"train": train, "val": train, "query": test, "gallery": test}
    return {
        **_pictures(*(f"{folders[split]}/{path}" for split, path in MSMT_LISTS.items())),
        **{f"list_{split}.txt": f"{path} {PERSONS[split]}\n".encode() for split, path in MSMT_LISTS.items()},
    }


CUHK03_NAMES = ("1_001_1_01.png", "1_001_2_06.png", "1_002_1_01.png", "1_002_2_07.png")
CUHK03_SPLIT = {
    "labels": [1, 1, 2, 2],
    "camId": [1, 2, 1, 2],
    "train_idx": [1, 2],
    "query_idx": [3],
    "gallery_idx": [4],
}


def make_split(**changes: Any) -> bytes:
    """Return the split file of CUHK03-NP, with some of its variables exchanged."""
    columns = {name: np.array(values, np.uint16)[:, None] for name, values in CUHK03_SPLIT.items()}
    files = np.array([*CUHK03_NAMES], dtype=object)[:, None]
    return make_mat(**{"filelist": files, **columns, **changes})


def _cuhk03(boxes: str) -> Files:
    pictures = _pictures(*(f"images_{boxes}/{name}" for name in CUHK03_NAMES))
    return {**pictures, f"cuhk03_new_protocol_config_{boxes}.mat": make_split()}


def _cuhk03_packaged(boxes: str) -> Files:
    folders = ("bounding_box_train/0001_c1_1", "query/0002_c1_1", "bounding_box_test/0002_c2_1")
    return _pictures(*(f"{boxes}/{name}.png" for name in folders))


SYSU = {
    **_pictures(*(f"cam{c}/{p:04d}/0001.jpg" for c, p in ((1, 1), (3, 1), (2, 10), (6, 10), (4, 6), (5, 6), (3, 6)))),
    "exp/train_id.txt": b"1\n",
    "exp/val_id.txt": b"10\n",
    "exp/test_id.txt": b"6,333\n",
}

REGDB_LISTS = {
    "train_visible": "Visible/1/male_front_v_00007_1.bmp",
    "train_thermal": "Thermal/1/male_front_t_00007_1.bmp",
    "test_visible": "Visible/2/female_back_v_00017_2.bmp",
    "test_thermal": "Thermal/2/female_back_t_00017_2.bmp",
}
REGDB = {
    **_pictures(*REGDB_LISTS.values()),
    **{f"idx/{name}_{trial}.txt": f"{path} 0\n".encode() for trial in (1, 2) for name, path in REGDB_LISTS.items()},
}

LLCM = {
    **_pictures(
        "vis/0001/0001_c01_s185734_f3195_vis.jpg",
        "nir/0001/0001_c09_s200000_f7_nir.jpg",
        "test_vis/cam1/0003/0003_c01_s100000_f1_vis.jpg",
        "test_nir/cam2/0003/0003_c02_s185734_f3195_nir.jpg",
    ),
    "idx/train_vis.txt": b"vis/0001/0001_c01_s185734_f3195_vis.jpg 0\n",
    "idx/train_nir.txt": b"nir/0001/0001_c09_s200000_f7_nir.jpg 0\n",
    "idx/test_id.txt": b"3\n",
}

PKU = {
    **_pictures("photo/9_03_17.jpg", "photo/9_05_356.jpg", "sketch/9.jpg"),
    "styleAnnotation/a_46.txt": b"9\n",
    "descriptions.json": _json({"9": "A man in a red coat."}),
}

MASK = _pictures(
    "photo/train/0002_c1s1_000451_03.jpg",
    "photo/query/0001_c6s1_001051_00.jpg",
    *(f"sketch/{style}/{name}_{style}.jpg" for style in STYLES for name in ("train/0002", "query/0001")),
)


def _captioned(annotation: str, key: str, paths: dict[str, str], *folders: str) -> Files:
    """Make a text-to-image set with a photo in each split, below `imgs` and, for sketches, one folder more."""
    splits = enumerate(paths.items(), start=1)
    entries = [{"split": split, "id": n, key: path, "captions": ["A man.", "He walks."]} for n, (split, path) in splits]
    pictures = _pictures(*(f"{folder}/{path}" for folder in ("imgs", *folders) for path in paths.values()))
    return {annotation: _json(entries), **pictures}


def _cuhk_pedes(*folders: str) -> Files:
    paths = {"train": "CUHK01/0363004.png", "val": "cam_a/009_2.jpg", "test": "train_query/p11600_s14885.jpg"}
    return _captioned("reid_raw.json", "file_path", paths, *folders)


def _icfg_pedes(*folders: str) -> Files:
    paths = {"train": "test/0000/0000_000_01_0303morning_0008_0.jpg", "test": "train/0627/0627_010_05_0303noon_1_0.jpg"}
    return _captioned("ICFG-PEDES.json", "file_path", paths, *folders)


def _rstpreid(*folders: str) -> Files:
    paths = {"train": "0000_c14_0031.jpg", "val": "3701_c1_0001.jpg", "test": "3901_c5_0002.jpg"}
    return _captioned("data_captions.json", "img_path", paths, *folders)


ORBENCH_ITEMS = {
    "NIR": "nir/0706/0706_sysu_0228_cam3_0013_nir.jpg",
    "CP": "cp/0706/0706_sysu_0228_back_1_colorpencil.jpg",
    "SK": "sk/0706/0706_sysu_0228_front_4_sketch.jpg",
    "TEXT": "A man with a red bag.",
}
ORBENCH_TEST = {
    GALLERY: [[888, "vis/0706/x.jpg"]],
    **{task: [[888, *(ORBENCH_ITEMS[part] for part in task.split("+"))]] for task in TASKS},
}
ORBENCH = {
    **_pictures(*(item for part, item in ORBENCH_ITEMS.items() if part != "TEXT"), "vis/0706/x.jpg"),
    **_pictures(*(f"{kind}/0003/0003_llcm_0001_{kind}.jpg" for kind in ("vis", "nir", "cp", "sk"))),
    "train_annos.json": _json([{"id": 2, "file_path": "vis/0003/0003_llcm_0001_vis.jpg", "caption": "A woman."}]),
    "test_gallery_and_queries.json": _json(ORBENCH_TEST),
}

SYNTH = {
    **_pictures("Part1/7/1.jpg", "Part2/8/1.jpg"),
    "synthpedes_dataset.json": _json(
        [{"id": p, "file_path": f"Part{p - 6}/{p}/1.jpg", "captions": ["A man.", "He walks."]} for p in (7, 8)]
    ),
}

COPIES: dict[str, Files] = {
    "market1501": MARKET,
    "msmt17": _msmt17("train", "test"),
    "cuhk03-np-detected": _cuhk03("detected"),
    "cuhk03-np-labeled": _cuhk03("labeled"),
    "sysu-mm01": SYSU,
    "regdb": REGDB,
    "llcm": LLCM,
    "pku-sketch": PKU,
    "market-sketch-1k": MASK,
    "cuhk-pedes": _cuhk_pedes(),
    "icfg-pedes": _icfg_pedes(),
    "rstpreid": _rstpreid(),
    "tri-cuhk-pedes": _cuhk_pedes("imgs-sketch2"),
    "tri-icfg-pedes": _icfg_pedes("imgs-sketch"),
    "tri-rstpreid": _rstpreid("imgs-sketch"),
    "orbench": ORBENCH,
    "synth-pedes": SYNTH,
}
"""Name in the catalogue -> the copy; each of its pictures is one that the parser names."""

OTHER_LAYOUTS: list[tuple[str, Files]] = [
    ("msmt17", _msmt17("mask_train_v2", "mask_test_v2")),
    ("cuhk03-np-detected", _cuhk03_packaged("detected")),
    ("cuhk03-np-labeled", _cuhk03_packaged("labeled")),
]
"""Layouts that are read as well."""
