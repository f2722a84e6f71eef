"""A folder of photos becomes a folder of drawings, whole or not at all, and never over the photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aio_reid.data.folder_synthesis import SynthesisReport, synthesize_folder
from aio_reid.data.synthesis import Painter, draw_lines
from aio_reid.errors import DataError, StorageError
from aio_reid.gallery.scan import list_pictures
from aio_reid.records import Modality


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a folder with two levels, two kinds, two equal stems, a damaged picture, and files that are no
    pictures."""
    rng = np.random.default_rng(0)
    root = tmp_path / "photos"
    for name in ("a.jpg", "a.bmp", "b.png", "night/c.JPG"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20, 10, 3), dtype=np.uint8)).save(path)
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (root / "notes.txt").write_text("none")
    (root / ".hidden.png").write_bytes(b"")
    return root


def synthesize(source: Path, out: Path, modality: Modality, **options: Any) -> SynthesisReport:
    """Draw from every picture of a folder, as the command does."""
    listing = list_pictures(source, skip=out)
    pictures = [picture.path for picture in listing.pictures]
    return synthesize_folder(listing.folder, out, modality, pictures=pictures, **options)


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_layout_report_and_pixels(source: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    before = files(source)
    out = tmp_path / "sketches"
    report = synthesize(source, out, Modality.SKETCH, progress=lambda done, total: seen.append((done, total)))
    assert set(files(out)) == {"a.jpg.png", "a.bmp.png", "b.png", "night/c.png"}
    assert (report.num_written, report.num_skipped) == (4, 0)
    assert [path.name for path, _ in report.unreadable] == ["broken.png"]
    assert "not Lineart" in report.label
    assert seen == [(i, 5) for i in range(1, 6)]
    assert files(source) == before
    with Image.open(out / "b.png") as drawn, Image.open(source / "b.png") as photo:
        assert "not Lineart" in drawn.info["Software"]
        assert np.array_equal(np.asarray(drawn), draw_lines(np.asarray(photo).transpose(2, 0, 1))[0])


def test_it_goes_on_where_it_stopped(source: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    synthesize(source, whole, Modality.INFRARED, seed=3)
    synthesize(source, parts, Modality.INFRARED, seed=3)
    kept = (parts / "b.png").stat().st_mtime_ns
    (parts / "night" / "c.png").unlink()
    report = synthesize(source, parts, Modality.INFRARED, seed=3)
    assert (report.num_written, report.num_skipped) == (1, 3)
    assert (parts / "b.png").stat().st_mtime_ns == kept
    assert files(parts) == files(whole)


@pytest.mark.parametrize(("modality", "seed"), [(Modality.SKETCH, 3), (Modality.INFRARED, 4)])
def test_what_was_made_otherwise_is_not_left_beside_the_new(
    source: Path, tmp_path: Path, modality: Modality, seed: int
) -> None:
    out = tmp_path / "out"
    synthesize(source, out, Modality.INFRARED, seed=3)
    before = files(out)
    with pytest.raises(StorageError, match=r"was made by 'aio-reid, .*seed 3', not by .*; name another folder"):
        synthesize(source, out, modality, seed=seed)
    Image.new("L", (4, 4)).save(out / "b.png")
    with pytest.raises(StorageError, match=r"b\.png' was made by 'another program'"):
        synthesize(source, out, Modality.INFRARED, seed=3)
    (out / "b.png").write_bytes(before["b.png"])
    assert files(out) == before


def test_interrupted_in_the_middle_it_leaves_whole_files_only(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(source, out, Modality.SKETCH, progress=stop)
    assert len(files(out)) == 2
    for name in files(out):
        Image.open(out / name).load()


def test_a_full_disk_leaves_nothing_behind(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Image.Image, path: Path, *_: object, **__: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(StorageError, match="No space left"):
        synthesize(source, tmp_path / "out", Modality.SKETCH)
    assert files(tmp_path / "out") == {}


def test_another_painter_is_named(source: Path, tmp_path: Path) -> None:
    grey = Painter("all grey", lambda pixels, _: np.full_like(pixels, 7))
    report = synthesize(source, tmp_path / "out", Modality.PENCIL, painter=grey)
    assert report.label == "all grey"
    with Image.open(tmp_path / "out" / "b.png") as drawn:
        assert drawn.size == (10, 20)
        assert (np.asarray(drawn) == 7).all()


def test_results_inside_the_source_are_no_sources(source: Path) -> None:
    for _ in range(2):
        synthesize(source, source / "drawn", Modality.SKETCH)
    assert len(files(source / "drawn")) == 4


def test_the_photos_are_never_overwritten(source: Path, tmp_path: Path) -> None:
    before = files(source)
    (tmp_path / "link").symlink_to(source)
    for out in (source, source.parent, tmp_path / "link", source / "night" / ".."):
        with pytest.raises(StorageError, match="overwrite"):
            synthesize(source, out, Modality.SKETCH)
    assert files(source) == before


def test_nothing_to_do_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the 0 pictures in"):
        synthesize_folder(tmp_path, tmp_path / "out", Modality.SKETCH, pictures=[])
    with pytest.raises(DataError, match="'rgb'"):
        synthesize_folder(tmp_path, tmp_path / "out", Modality.RGB, pictures=[])


def test_a_folder_in_which_nothing_can_be_read_is_an_error(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg"):
        (tmp_path / name).write_bytes(b"none")
    with pytest.raises(DataError, match=r"none of the 2 pictures in .* can be read; the first: .*a\.png"):
        synthesize(tmp_path, tmp_path / "out", Modality.SKETCH)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("below", ["", "deeper"])
def test_results_that_cannot_be_kept_say_so_and_not_what_follows(source: Path, tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=r"cannot be written .*; free space or name another folder"):
        synthesize(source, tmp_path / "file" / below, Modality.SKETCH)
    assert (tmp_path / "file").read_text() == "x"
