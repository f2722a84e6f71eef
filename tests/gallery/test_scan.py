from __future__ import annotations

import os
from pathlib import Path

import pytest
from gallery_fakes import write_picture
from PIL import Image

from aio_reid.errors import DataError
from aio_reid.gallery.scan import GALLERY_FILE, PICTURE_SUFFIXES, list_pictures

RED = (220, 30, 30)
# Formats that Pillow lists as readable but cannot decode by itself, see scan.py.
NOT_BY_ITSELF = {"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"}


def names(folder: Path, **options: Path) -> list[str]:
    listing = list_pictures(folder, **options)
    return [picture.path.relative_to(folder).as_posix() for picture in listing.pictures]


def test_suffixes_are_those_of_pillow() -> None:
    by_pillow = {
        suffix
        for suffix, name in Image.registered_extensions().items()
        if (name in Image.OPEN or name == "MPO") and name not in NOT_BY_ITSELF
    }
    assert by_pillow <= PICTURE_SUFFIXES
    assert {".jpg", ".jpeg", ".png", ".webp", ".tif", ".bmp", ".gif", ".avif"} <= PICTURE_SUFFIXES
    assert PICTURE_SUFFIXES.isdisjoint({".pdf", ".eps", ".mpg", ".txt", ".py"})


def test_recursive_sorted_any_case_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.png", "a/z.jpg", "a/A.PNG", "c.Jpeg", ".hidden.png", ".hidden/x.png", "a/.git/y.png"):
        write_picture(tmp_path / name, RED)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "png").write_text("no suffix")
    assert names(tmp_path) == ["a/A.PNG", "a/z.jpg", "b.png", "c.Jpeg"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    elsewhere = tmp_path / "elsewhere"
    write_picture(folder / "in" / "1.png", RED)
    write_picture(elsewhere / "2.png", RED)
    (folder / "in" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "out").symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / "again").symlink_to(elsewhere, target_is_directory=True)
    (folder / "self").symlink_to(folder / "self")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    listing = list_pictures(folder)
    assert [p.path.name for p in listing.pictures] == ["1.png", "2.png"]
    assert [u.path.name for u in listing.unreadable] == ["gone.png", "self"]


def test_a_pipe_is_no_picture(tmp_path: Path) -> None:
    write_picture(tmp_path / "1.png", RED)
    os.mkfifo(tmp_path / "waits for ever.jpg")
    assert names(tmp_path) == ["1.png"]


def test_cache_folder_is_skipped_but_never_the_root(tmp_path: Path) -> None:
    write_picture(tmp_path / "1.png", RED)
    write_picture(tmp_path / "cache" / "2.png", RED)
    assert names(tmp_path, skip=tmp_path / "cache") == ["1.png"]
    assert names(tmp_path, skip=tmp_path) == ["1.png", "cache/2.png"]


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    write_picture(tmp_path / "ok.png", RED)
    odd = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    with open(odd, "wb") as file:
        file.write((tmp_path / "ok.png").read_bytes())
    assert [picture.key for picture in list_pictures(tmp_path).pictures] == [os.fsencode(tmp_path / "ok.png"), odd]


def test_unusable_folders_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for name, words in (
        ("empty", "no pictures"),
        ("missing", "does not exist"),
        ("file", "not a folder"),
        ("a\0b", "cannot be read"),
    ):
        with pytest.raises(DataError, match=words) as caught:
            list_pictures(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_gallery_is_no_folder_of_pictures_unless_pictures_lie_in_it(tmp_path: Path) -> None:
    (tmp_path / GALLERY_FILE).touch()
    with pytest.raises(DataError, match=r"is a gallery, .* use `aio-reid gallery search`"):
        list_pictures(tmp_path)
    (tmp_path / "a.jpg").touch()
    assert len(list_pictures(tmp_path).pictures) == 1


def test_folders_without_permission(tmp_path: Path) -> None:
    write_picture(tmp_path / "1.png", RED)
    write_picture(tmp_path / "closed" / "2.png", RED)
    (tmp_path / "closed").chmod(0)
    if os.access(tmp_path / "closed", os.R_OK):
        pytest.skip("this user may read everything")
    try:
        listing = list_pictures(tmp_path)
        assert [u.path.name for u in listing.unreadable] == ["closed"]
        with pytest.raises(DataError, match="permission"):
            list_pictures(tmp_path / "closed")
    finally:
        (tmp_path / "closed").chmod(0o700)
