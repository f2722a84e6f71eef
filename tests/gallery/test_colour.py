from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gallery_fakes import ColourFactory, write_picture
from PIL import Image

from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.colour import CHROMA_LIMIT, colourless_notes, guess_modality, is_colourless
from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.search import search_folder
from aio_reid.gallery.store.entries import folder_entries
from aio_reid.gallery.store.names import NamePattern
from aio_reid.pages.thumbnails import thumbnail
from aio_reid.records import Modality


def write_grey(path: Path, *, chroma: float = 0.0, noise: float = 0.0, seed: int = 0) -> Path:
    """Write a picture of grey steps whose red is `chroma` above the rest, with noise of its own in each channel."""
    generator = np.random.default_rng(seed)
    grey = np.repeat(np.linspace(40, 200, 128)[:, None, None], 64, axis=1)  # (128, 64, 1)
    pixels = grey + np.array([chroma, 0.0, 0.0]) + generator.normal(0.0, noise, (128, 64, 3))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_noise_of_a_camera_is_no_colour(tmp_path: Path, suffix: str) -> None:
    assert is_colourless(write_grey(tmp_path / f"a.{suffix}", noise=3.0))
    assert not is_colourless(write_picture(tmp_path / f"b.{suffix}", (150, 40, 40)))


def test_the_limit_is_where_it_is_said_to_be(tmp_path: Path) -> None:
    assert is_colourless(write_grey(tmp_path / "below.png", chroma=CHROMA_LIMIT - 1))
    assert not is_colourless(write_grey(tmp_path / "above.png", chroma=CHROMA_LIMIT + 1))


def test_a_twentieth_of_the_picture_in_colour_is_enough(tmp_path: Path) -> None:
    for share, expected in ((0.02, True), (0.1, False)):
        pixels = np.full((128, 64, 3), 90, dtype=np.uint8)
        pixels[: round(128 * share)] = (200, 150, 120)  # skin
        Image.fromarray(pixels).save(tmp_path / "face.png")
        assert is_colourless(tmp_path / "face.png") is expected


def test_bytes_palettes_and_what_cannot_be_read(tmp_path: Path) -> None:
    Image.open(write_grey(tmp_path / "g.png")).convert("L").convert("P").save(tmp_path / "palette.png")
    assert is_colourless((tmp_path / "palette.png").read_bytes())
    (tmp_path / "cut.jpg").write_bytes(write_grey(tmp_path / "g.jpg").read_bytes()[:200])
    assert not is_colourless(tmp_path / "cut.jpg") and not is_colourless(tmp_path / "missing.jpg")
    assert not is_colourless(b"")


def test_no_program_is_started_to_look_at_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a PostScript interpreter was started")

    Image.new("L", (8, 8)).save(tmp_path / "program.eps")
    program = (tmp_path / "program.eps").read_bytes()
    fields = {(3, 20): b"\x00\x08", (3, 30): b"\x00\x08", (3, 60): b"\x01\x00", (3, 120): b"\x01", (8, 10): program}
    wrapped = b"".join(bytes((0x1C, *name)) + len(data).to_bytes(2, "big") + data for name, data in fields.items())
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", never)
    for content, name in ((program, "EPS"), (wrapped, "IPTC")):
        (tmp_path / "grey.jpg").write_bytes(content)
        with Image.open(tmp_path / "grey.jpg") as image:
            assert image.format == name
        assert not is_colourless(tmp_path / "grey.jpg") and thumbnail(tmp_path / "grey.jpg") is None


def test_a_name_says_more_than_the_look(tmp_path: Path) -> None:
    for name in ("rgb_1.png", "infrared_2.png"):
        write_grey(tmp_path / name)
    entries = folder_entries(tmp_path, guess_modality, NamePattern("{modality}_*"), skip=None).entries
    assert {entry.path.name: entry.modality.value for entry in entries} == {
        "rgb_1.png": "rgb",
        "infrared_2.png": "infrared",
    }
    entries = folder_entries(tmp_path, guess_modality, None, skip=None).entries
    assert {entry.modality for entry in entries} == {Modality.INFRARED}


def test_many_pictures_are_sampled_evenly(tmp_path: Path) -> None:
    grey = [write_grey(tmp_path / f"{n:02}.png") for n in range(30)]
    (note,) = colourless_notes(grey, Modality.RGB, "do something")
    assert note.startswith("15 of 15 pictures looked at have no colour") and "do something" in note
    assert colourless_notes(grey, Modality.INFRARED, "") == () == colourless_notes([], Modality.RGB, "")
    mixed = [*grey[:20], *(write_picture(tmp_path / f"c{n}.png", (200, 30, 30)) for n in range(10))]
    assert colourless_notes(mixed, Modality.RGB, "") == ()


def test_a_search_says_it_once(tmp_path: Path) -> None:
    folder = tmp_path / "night"
    folder.mkdir()
    query = write_grey(tmp_path / "query.png", seed=9)
    for n in range(3):
        write_grey(folder / f"{n}.png", seed=n, noise=1.0)
    cache = open_cache(tmp_path / "cache")
    parts = [QueryPart(Modality.RGB, query)]
    first = search_folder(folder, parts, ColourFactory(), cache=cache).notes
    assert any("--gallery-modality infrared" in note for note in first)
    assert any("photo 1 of the query has no colour" in note for note in first)
    again = search_folder(folder, parts, ColourFactory(), cache=cache).notes
    assert not any("--gallery-modality" in note for note in again)
    as_infrared = search_folder(folder, parts, ColourFactory(), cache=cache, gallery_modality=Modality.INFRARED).notes
    assert not any("--gallery-modality" in note for note in as_infrared)
