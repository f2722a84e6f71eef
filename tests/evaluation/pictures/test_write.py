"""All pictures of an evaluation in one folder."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from picture_fakes import Page, ask, photo, svg_inside, text

from aio_reid.errors import DataError, StorageError
from aio_reid.evaluation.pictures.projection import PCA
from aio_reid.evaluation.pictures.write import pictures_of, write_pictures
from aio_reid.evaluation.tasks import Asked, rank_asked
from aio_reid.records import Modality


@pytest.fixture
def asked(tmp_path: Path) -> list[Asked]:
    photos = [photo(tmp_path, person, number) for number in range(3) for person in range(5)]
    texts = [text(person, f"person {person}") for person in range(5)]
    sketches = [photo(tmp_path, person, 0, Modality.SKETCH) for person in range(5)]
    return [
        ask("text to photo", [(one,) for one in texts], photos),
        ask("../sketch <to> photo", [(one,) for one in sketches], photos),
        ask("photo to text", [(one,) for one in photos], texts),
    ]


def test_every_page_is_there_and_linked(asked: list[Asked], tmp_path: Path) -> None:
    with pictures_of(tmp_path / "out" / "deep", facts={"Weights": "<w>"}):
        scores = [rank_asked(one) for one in asked]
    names = sorted(path.name for path in (tmp_path / "out" / "deep").iterdir())
    assert names == [
        "cmc.svg",
        "index.html",
        "map-1.html",  # of photos
        "map-2.html",  # of sentences
        "ranked-01-text-to-photo.html",
        "ranked-02-sketch-to-photo.html",
        "ranked-03-photo-to-text.html",
    ]
    pages = {name: (tmp_path / "out" / "deep" / name).read_text(encoding="utf-8") for name in names}
    for name, content in pages.items():
        if name.endswith(".html"):
            page = Page(content)
            page.assert_self_contained()
            assert {link["href"] for link in page.all("a")} <= set(names) and "<w>" in page.text
            assert str(tmp_path) not in content
    index = Page(pages["index.html"])
    assert {link["href"] for link in index.all("a")} == set(names) - {"index.html"}
    for one in scores:
        assert f"{100 * one.rank[1]:.1f}" in index.text and f"{100 * one.mAP:.1f}" in index.text
    drawing = ElementTree.fromstring(pages["cmc.svg"])
    inside = svg_inside(pages["index.html"], "cmc-title")
    assert ElementTree.tostring(inside) == ElementTree.tostring(drawing)


def test_files_are_returned_index_first(asked: list[Asked], tmp_path: Path) -> None:
    from picture_fakes import rank

    files = write_pictures(tmp_path / "out", rank(*asked[:1]), method=PCA)
    assert [file.name for file in files] == ["index.html", "cmc.svg", "ranked-01-text-to-photo.html", "map.html"]
    assert all(file.stat().st_size > 1000 for file in files)
    before = [file.read_text(encoding="utf-8").split("<time>")[0] for file in files]
    again = write_pictures(tmp_path / "out", rank(*asked[:1]), method=PCA)
    assert [file.read_text(encoding="utf-8").split("<time>")[0] for file in again] == before


def test_nothing_is_drawn_when_not_asked_for_or_when_the_work_fails(asked: list[Asked], tmp_path: Path) -> None:
    with pictures_of(None):
        rank_asked(asked[0])
    with pytest.raises(DataError, match="stop"), pictures_of(tmp_path / "out"):
        rank_asked(asked[0])
        raise DataError("stop")
    assert list((tmp_path / "out").iterdir()) == []


def test_where_nothing_could_be_ranked_nothing_is_drawn(tmp_path: Path) -> None:
    with pictures_of(tmp_path / "out"):
        pass
    assert list((tmp_path / "out").iterdir()) == []


def test_a_wrong_place_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot make the folder"), pictures_of(tmp_path / "file" / "out"):
        pytest.fail("the work began")
