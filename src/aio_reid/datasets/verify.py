"""Is a copy of a data set complete, which release is it, and can every picture in it be read?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from aio_reid.datasets.catalogue import find_dataset
from aio_reid.datasets.counts import Count, read_name
from aio_reid.datasets.entries import DatasetEntry
from aio_reid.errors import DataError
from aio_reid.progress import SILENT, Progress

FORMATS = ("JPEG", "PNG", "BMP")
"""What data sets are published in; other decoders stay closed to files of unknown origin."""

_NUM_THREADS = 8
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A picture that cannot be decoded, and why, in one line."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a copy of a data set was found to be.

    Attributes:
        name: of the data set in the catalogue.
        release: which release or known copy it is, in words.
        counts: what it holds beside what was published.
        num_pictures: how many files were opened.
        unreadable: those that could not be decoded, or are missing, by path.
    """

    name: str
    release: str
    counts: tuple[Count, ...]
    num_pictures: int
    unreadable: tuple[Unreadable, ...]

    @property
    def is_complete(self) -> bool:
        """Everything that was published is there and can be read."""
        return not self.unreadable and all(count.found == count.published for count in self.counts)


def verify(name: str, root: Path, *, progress: Progress = SILENT) -> Verification:
    """Compare the copy below `root` with what was published, and decode every picture that its parser names.

    Raises:
        DataError: the data set was withdrawn, the folder is no copy of it, or holds more than was published.
        ConfigError: there is no data set of that name.
    """
    entry = find_dataset(name)
    if not root.is_dir():
        raise DataError(f"{root} is no folder; give the folder of {entry.title} that its release unpacks to")
    records = entry.parse(root)
    if not records:
        raise DataError(f"{root} holds nothing of {entry.title}; give the folder that its release unpacks to")
    release, counts = read_name(records[0].dataset)
    counts = counts or [Count(what, number, number) for what, number in entry.published.items()]
    pictures = sorted({record.image_path for record in records if record.image_path is not None})
    unreadable = find_unreadable(pictures, progress=progress)
    return Verification(name, _describe(entry, release, counts), tuple(counts), len(pictures), unreadable)


def find_unreadable(pictures: Sequence[Path], *, progress: Progress = SILENT) -> tuple[Unreadable, ...]:
    """Decode every picture in threads and return those that fail, in the order given."""
    chunks = [pictures[start : start + _CHUNK] for start in range(0, len(pictures), _CHUNK)]
    unreadable: list[Unreadable] = []
    pool = ThreadPoolExecutor(_NUM_THREADS)
    # Pillow warns of damaged fields of a header beside pictures that are fine. Filters are the whole process's.
    with warnings.catch_warnings(), progress.task("Reading", len(pictures), "pictures") as task:
        warnings.simplefilter("ignore")
        try:
            for chunk, found in zip(chunks, pool.map(_read_chunk, chunks), strict=True):
                unreadable += found
                task.advance(len(chunk))
        finally:
            pool.shutdown(cancel_futures=True)  # on an interrupt, the rest is not read first
    return tuple(unreadable)


def _read_chunk(pictures: Sequence[Path]) -> list[Unreadable]:
    found = []
    for path in pictures:
        reason = _read(path)
        if reason is not None:
            found.append(Unreadable(path, reason))
    return found


def _read(path: Path) -> str | None:
    try:
        with Image.open(path, formats=FORMATS) as image:
            image.load()
    except FileNotFoundError:
        return "is missing"
    except UnidentifiedImageError:
        return "is empty" if path.stat().st_size == 0 else "is not a picture"
    except Exception as error:  # noqa: BLE001 - a damaged file makes Pillow's decoders raise nearly anything
        reason = getattr(error, "strerror", None) or str(error)
        return " ".join(reason.split()) or type(error).__name__
    return None


def _describe(entry: DatasetEntry, release: str, counts: Sequence[Count]) -> str:
    if all(count.found == count.published for count in counts):
        return f"{release}: as published"
    found = {count.what: count.found for count in counts}
    known = [what for what, numbers in entry.known_copies.items() if numbers == found]
    return f"{release}: {known[0] if known else 'a part of what was published'}"
