"""What is asked of the disk, what agrees with the protocol and the reader of sentences, and what is not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aio_reid.data.text import CONTEXT_LENGTH, ClipBpe
from aio_reid.datasets.check import check_manifest
from aio_reid.datasets.check_captions import MOST_TOKENS, fewest_tokens
from aio_reid.datasets.check_ranking import find_unanswerable
from aio_reid.datasets.manifest import ManifestRow, read_manifest, write_manifest
from aio_reid.datasets.remarks import Row, Table
from aio_reid.evaluation.protocols.combinations import exclusion_mask
from aio_reid.records import Modality, Split


def rows(*names: str, split: Split = Split.GALLERY) -> list[ManifestRow]:
    """Photos called PERSON_CAMERA.jpg."""
    parts = [name.removesuffix(".jpg").split("_") for name in names]
    return [ManifestRow(n, None, p, Modality.RGB, split, c) for n, (p, c) in zip(names, parts, strict=True)]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Twelve persons in a gallery and as many queries, each file of its own size."""
    gallery = rows(*(f"{n}_{camera}.jpg" for n in range(12) for camera in (1, 2)))
    queries = rows(*(f"{n}_3.jpg" for n in range(12)), split=Split.QUERY)
    for size, row in enumerate([*gallery, *queries], start=1):
        (tmp_path / str(row.path)).write_bytes(bytes(size))
    write_manifest(tmp_path / "m.csv", [*gallery, *queries])
    return tmp_path / "m.csv"


def tell(path: Path, *, compare_contents: bool = False) -> list[str]:
    return [f"{r.severity}: {r.text}" for r in check_manifest(path, compare_contents=compare_contents)]


def test_whole(manifest: Path) -> None:
    assert tell(manifest, compare_contents=True) == []


def test_some_pictures_are_missing(manifest: Path) -> None:
    for name in ("3_1.jpg", "3_2.jpg"):
        (manifest.parent / name).unlink()
    assert tell(manifest) == [
        "error: 2 of 36 pictures are missing (the first is '3_1.jpg', row 7); complete the folder, or remove the rows"
    ]


@pytest.mark.parametrize("other", ["3_1.JPG", "3_1.png"])
def test_a_picture_is_there_under_nearly_its_name(manifest: Path, other: str) -> None:
    (manifest.parent / "3_1.jpg").rename(manifest.parent / other)
    assert tell(manifest) == [
        f"error: 1 of 36 pictures is missing (the first is '3_1.jpg', row 7); there is '{other}': write the paths as "
        "the files are called, or remove the rows"
    ]


def test_a_manifest_in_another_folder(manifest: Path) -> None:
    (manifest.parent / "lists").mkdir()
    moved = manifest.rename(manifest.parent / "lists" / "m.csv")
    assert tell(moved) == [
        f"error: none of the 36 pictures is below {moved.parent} (the first is '0_1.jpg', row 1); paths are relative "
        "to the folder of the manifest: move it, or correct them"
    ]


def test_pictures_without_content(manifest: Path) -> None:
    (manifest.parent / "3_2.jpg").write_bytes(b"")
    assert tell(manifest) == [
        "error: 1 picture has no content (0 bytes; the first is '3_2.jpg', row 8); copy the files again, or remove the "
        "rows"
    ]


def test_copies_are_found_where_that_is_asked_for(manifest: Path) -> None:
    for copy, of in (("1_1.jpg", "0_1.jpg"), ("3_2.jpg", "3_1.jpg"), ("4_1.jpg", "0_1.jpg")):
        (manifest.parent / copy).write_bytes((manifest.parent / of).read_bytes())
    (manifest.parent / "5_1.jpg").write_bytes(b"x" * (manifest.parent / "5_2.jpg").stat().st_size)  # of the same size
    assert tell(manifest) == []
    assert tell(manifest, compare_contents=True) == [
        "error: 2 pictures are copies of another of another person ('0_1.jpg', row 1, and '1_1.jpg', row 3); correct "
        "the ids, or remove one of the rows",
        "note: 1 picture is a copy of another of the same person ('3_1.jpg', row 7, and '3_2.jpg', row 8); remove one "
        "of the rows, unless they are meant to count twice",
    ]


def test_a_copy_on_the_other_side_of_training_and_test(manifest: Path) -> None:
    trained = rows("5_7.jpg", "90_1.jpg", split=Split.TRAIN)
    (manifest.parent / "5_7.jpg").write_bytes((manifest.parent / "5_1.jpg").read_bytes())
    (manifest.parent / "90_1.jpg").write_bytes(bytes(90))
    tested = rows(*(f"{n}_{camera}.jpg" for n in range(12) for camera in (1, 2)))
    write_manifest(manifest, [*trained, *tested, *rows(*(f"{n}_3.jpg" for n in range(12)), split=Split.QUERY)])
    assert (
        "error: 1 picture is a copy of another on the other side of training and test ('5_7.jpg', row 1, and "
        "'5_1.jpg', row 13); remove one of the rows"
    ) in tell(manifest, compare_contents=True)


@pytest.mark.parametrize("seed", range(40))
def test_the_same_queries_cannot_be_answered_as_the_protocol_says(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = []
    for n in range(24):
        kind = list(Modality)[rng.integers(5) if n % 2 else 0]
        source = [None, f"p{rng.integers(24)}.jpg", f"p{rng.integers(24)}", f"d/p{rng.integers(24)}.jpg"][
            rng.integers(4)
        ]
        camera = [None, "c1", "c2"][rng.integers(3)]
        path, caption = (f"d/p{n}.jpg", None) if kind.is_visual else (None, "a man")
        person, split = str(rng.integers(6)), Split.QUERY if n % 2 else Split.GALLERY
        made.append(ManifestRow(path, caption, person, kind, split, camera, source))
        if kind is Modality.RGB and split is Split.GALLERY and rng.random() < 0.3:  # also a query
            made.append(ManifestRow(path, caption, person, kind, Split.QUERY, camera))
    write_manifest(tmp_path / "m.csv", made)
    records = read_manifest(tmp_path / "m.csv")
    queries = [(r,) for r in records if r.split is Split.QUERY]
    gallery = [r for r in records if r.split is Split.GALLERY]
    matches = np.array([[q[0].person_id == g.person_id for g in gallery] for q in queries])
    answered = (matches & ~exclusion_mask(queries, gallery, matches)).any(axis=1)
    table = Table(tmp_path, [Row(number, row) for number, row in enumerate(made, start=1)])
    told = [remark.text.split(" ")[:3] for remark in find_unanswerable(table)]
    assert all(words[2] == str(len(queries)) for words in told)
    assert sum(int(words[0]) for words in told) == np.count_nonzero(~answered)


def test_tokens_are_never_counted_too_many() -> None:
    assert MOST_TOKENS == CONTEXT_LENGTH
    bpe = ClipBpe.load()
    sentences = [
        "It's a man's red T-shirt (size 42), isn't it?!",
        "Tom &amp; Jerry -- 12.5% off",
        "a_b  c__d ... é人 Ünïcödé",
        "A woman in a blue, knee-length dress; she'll carry 2 bags.",
    ]
    for sentence in sentences:
        assert fewest_tokens(sentence) <= len(bpe.encode(sentence, context_length=1000).ids)
    assert fewest_tokens("a man in a red coat") == len(bpe.encode("a man in a red coat").ids) == 8


def test_a_check_costs_no_deep_learning() -> None:
    code = "import sys, aio_reid.datasets.check as c; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
