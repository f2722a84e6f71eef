"""A folder of photos turned into a folder of synthesised pictures, to look at or to train from (method.md section
8)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from aio_reid.data.images import read_image
from aio_reid.data.synthesis import Painter, default_painter
from aio_reid.errors import DataError, PictureError, StorageError
from aio_reid.records import Modality

_UNFINISHED = ".unfinished"


@dataclass(frozen=True, slots=True)
class SynthesisReport:
    """What became of a folder.

    Attributes:
        label: what drew the pictures.
        num_written: pictures made by this call.
        num_skipped: pictures that an earlier call had made already.
        unreadable: files that could not be read, with the reason in one line.
    """

    label: str
    num_written: int
    num_skipped: int
    unreadable: tuple[tuple[Path, str], ...]


def synthesize_folder(
    source: Path,
    out: Path,
    modality: Modality,
    *,
    pictures: Sequence[Path],
    painter: Painter | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> SynthesisReport:
    """Make a picture of `modality` from each of the `pictures` below `source`, in the same layout below `out`, as grey
    PNG.

    Existing results are kept, so that an interrupted call goes on where it stopped; results appear whole or not at all.
    What is drawn depends on the seed and the file's relative path only. Each PNG names the painter and the seed in its
    text field "Software".

    Args:
        source: a folder.
        out: a folder, made where missing; it may be inside `source`.
        modality: infrared or sketch, or what `painter` makes.
        pictures: paths that begin with `source`, and none of them in `out`.
        painter: how to draw; by default `default_painter(modality)`.
        seed: of the painter's random draws.
        progress: called with (pictures done, pictures in all) after each.

    Raises:
        DataError: there are no pictures, or none that can be read, or the modality is never synthesised.
        StorageError: `out` would overwrite the sources, holds what was made otherwise, or cannot be written.
    """
    painter = painter or default_painter(modality)
    if source.resolve().is_relative_to(out.resolve()):
        raise StorageError(f"results in {str(out)!r} could overwrite their sources; name another folder")
    names = _output_names(pictures, source)
    maker = f"aio-reid, {painter.label}, seed {seed}"
    _check_existing([out / name for name in names], maker)
    unreadable: list[tuple[Path, str]] = []
    num_written = num_skipped = 0
    for done, (path, name) in enumerate(zip(pictures, names, strict=True), start=1):
        target = out / name
        if target.exists():
            num_skipped += 1
        else:
            try:
                _write_whole(target, _paint(path, painter, _generator(seed, path.relative_to(source))), maker)
                num_written += 1
            except PictureError as error:
                unreadable.append((path, str(error)))
        if progress is not None:
            progress(done, len(pictures))
    if not num_written + num_skipped:
        first = f"; the first: {unreadable[0][1]}" if unreadable else ""
        raise DataError(f"none of the {len(pictures)} pictures in {str(source)!r} can be read{first}")
    return SynthesisReport(painter.label, num_written, num_skipped, tuple(unreadable))


def _output_names(sources: Sequence[Path], root: Path) -> list[Path]:
    """Return relative names, all different: a.jpg gives a.png, but a.jpg beside a.bmp give a.jpg.png and a.bmp.png."""
    relative = [path.relative_to(root) for path in sources]
    names = [path.with_suffix(".png") for path in relative]
    while clashes := {name for name, count in Counter(names).items() if count > 1}:
        whole = [path.with_name(path.name + ".png") for path in relative]
        names = [w if name in clashes else name for name, w in zip(names, whole, strict=True)]
    return names


def _check_existing(targets: Sequence[Path], maker: str) -> None:
    """Refuse to leave pictures beside new ones that another painter or seed has made."""
    for target in targets:
        if not target.exists():
            continue
        try:
            with Image.open(target) as image:
                found = image.info.get("Software", "another program")
        except OSError:
            found = "another program"
        if found != maker:
            raise StorageError(
                f"{str(target)!r} was made by {found!r}, not by {maker!r}; name another folder, or remove this one"
            )


def _generator(seed: int, relative: Path) -> np.random.Generator:
    digest = sha256(relative.as_posix().encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng((seed, int.from_bytes(digest[:8], "big")))


def _paint(path: Path, painter: Painter, rng: np.random.Generator) -> Image.Image:
    pixels = np.ascontiguousarray(np.asarray(read_image(path)).transpose(2, 0, 1))  # (3, H, W)
    return Image.fromarray(painter.draw(pixels, rng)[0])


def _write_whole(target: Path, image: Image.Image, maker: str) -> None:
    """Write beside the target, then rename: whoever looks sees no picture or a whole one."""
    unfinished = target.with_name(f".{target.name}{_UNFINISHED}")
    note = PngInfo()
    note.add_text("Software", maker)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        image.save(unfinished, "PNG", pnginfo=note)
        os.replace(unfinished, target)
    except OSError as error:
        raise StorageError(f"{str(target)!r} cannot be written ({error}); free space or name another folder") from error
    finally:
        with suppress(OSError):  # the error that led here is the one to report
            unfinished.unlink(missing_ok=True)
