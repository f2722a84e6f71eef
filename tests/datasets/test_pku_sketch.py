"""PKU-Sketch's parser on a drawn tree of the published layout."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from aio_reid.datasets.pku_sketch import NAME, parse
from aio_reid.errors import DataError
from aio_reid.records import Modality, Split

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "pku_sketch_dev"


def draw(path: Path, colour: str) -> None:
    picture = Image.new("RGB", (16, 32), "white")
    ImageDraw.Draw(picture).ellipse((4, 4, 12, 28), outline=colour)
    picture.save(path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three persons whose order as text (10, 102, 9) is not their order as numbers; nothing of person 10 was drawn."""
    for folder in ("photo", "sketch", "styleAnnotation"):
        (tmp_path / folder).mkdir()
    for name in ("9_03_17", "9_05_356", "10_04_12", "10_06_7", "102_04_10254", "102_06_1"):
        draw(tmp_path / "photo" / f"{name}.jpg", "blue")
    for name in ("9", "102"):
        draw(tmp_path / "sketch" / f"{name}.jpg", "black")
    (tmp_path / "photo" / "Thumbs.db").write_bytes(b"no picture")
    (tmp_path / "styleAnnotation" / "a_46.txt").write_text("102\r\n")
    (tmp_path / "styleAnnotation" / "e_22.txt").write_text("158\n10\n")  # persons whose sketch a copy may lack
    (tmp_path / "styleAnnotation" / "Thumbs.db").write_bytes(b"\xff")
    (tmp_path / "descriptions.json").write_text(json.dumps({"102": "A man in a red coat.", "9": "A girl."}))
    return tmp_path


def test_records(tree: Path) -> None:
    records = parse(tree)
    photos = [(r.person_id, r.camera_id) for r in records if r.modality is Modality.RGB]
    assert photos == [("9", "03"), ("9", "05"), ("10", "04"), ("10", "06"), ("102", "04"), ("102", "06")]
    assert {r.split for r in records if r.modality is Modality.RGB} == {Split.GALLERY}
    assert [(r.person_id, r.modality, r.split) for r in records[6:]] == [
        ("9", Modality.SKETCH, Split.QUERY),
        ("102", Modality.SKETCH, Split.QUERY),
        ("9", Modality.TEXT, Split.QUERY),
        ("102", Modality.TEXT, Split.QUERY),
    ]
    for record in records[:8]:
        assert record.image_path is not None
        assert np.asarray(Image.open(record.image_path)).shape == (32, 16, 3)
    assert {r.dataset for r in records} == {f"{NAME} (3 of 200 persons, 6 of 400 photos, 2 of 200 sketches)"}


def test_the_artist_of_a_sketch_is_its_camera_where_the_annotation_tells(tree: Path) -> None:
    artists = [r.camera_id for r in parse(tree) if r.modality is Modality.SKETCH]
    assert artists == [None, "a"]
    (tree / "styleAnnotation" / "c_79.txt").write_text("9\n102\n")
    with pytest.raises(DataError, match=r"c_79\.txt names '102', drawn by 'a' too; remove one of the two"):
        parse(tree)
    (tree / "styleAnnotation" / "c_79.txt").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"c_79\.txt cannot be read as text"):
        parse(tree)


def test_the_full_release_has_the_plain_name(tmp_path: Path) -> None:
    for folder in ("photo", "sketch"):
        (tmp_path / folder).mkdir()
    for person in range(1, 201):
        for name in (f"photo/{person}_03_1", f"photo/{person}_05_1", f"sketch/{person}"):
            (tmp_path / f"{name}.jpg").touch()
    assert {r.dataset for r in parse(tmp_path)} == {NAME}
    (tmp_path / "photo" / "1_04_2.jpg").touch()
    with pytest.raises(DataError, match="401 photos, but 400 were published"):
        parse(tmp_path)


def test_mistakes_are_named(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(DataError, match="is no copy of PKU-Sketch: it lacks 'photo', 'sketch'; give the folder"):
        parse(empty)
    for folder in ("photo", "sketch"):
        (empty / folder).mkdir()
    with pytest.raises(DataError, match=r"no \.jpg files in .*photo; complete the copy of PKU-Sketch"):
        parse(empty)
    (tree / "descriptions.json").write_text('{"77": "A man."}')
    with pytest.raises(DataError, match="describes '77', of whom there is no photo"):
        parse(tree)
    for content in ("{", "[1]", '{"9": 3}'):
        (tree / "descriptions.json").write_text(content)
        with pytest.raises(DataError, match=r"descriptions\.json"):
            parse(tree)
    (tree / "descriptions.json").unlink()
    assert all(r.modality is not Modality.TEXT for r in parse(tree))
    draw(tree / "photo" / "9_03.jpg", "red")
    with pytest.raises(DataError, match=r"9_03\.jpg is not called as PKU-Sketch calls its files"):
        parse(tree)


@pytest.mark.skipif(not REAL.exists(), reason="no real copy here")
def test_the_copy_at_hand() -> None:
    records = parse(REAL)
    counts = [sum(r.modality is m for r in records) for m in (Modality.RGB, Modality.SKETCH, Modality.TEXT)]
    assert counts == [180, 90, 20]
    artists = Counter(r.camera_id for r in records if r.modality is Modality.SKETCH)
    assert artists == {"a": 19, "b": 11, "c": 39, "d": 9, "e": 12}
