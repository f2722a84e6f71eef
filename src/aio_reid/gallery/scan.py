"""Which files of a folder are pictures: found by suffix, so that listing a large folder opens none of them."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from aio_reid.errors import DataError

_PILLOW_READS = """
apng avif avifs blp bmp bw cur dcx dds dib fit fits flc fli ftc ftu gbr gif icb icns ico im j2c j2k jfif jp2 jpc jpe
jpeg jpf jpg jpx mpo msp pbm pcd pcx pfm pgm png pnm ppm psd pxr qoi ras rgb rgba sgi tga tif tiff vda vst webp xbm xpm
"""

# Written down because asking Pillow imports all its plugins; a test compares the two. Left out are eps and ps (they run
# Ghostscript) and iim (may hold one of them), wmf and emf (Windows only), and the containers that Pillow merely
# recognises (bufr, grib, hdf, mpeg).
PICTURE_SUFFIXES: frozenset[str] = frozenset(f".{suffix}" for suffix in _PILLOW_READS.split())

GALLERY_FILE = "gallery.sqlite"
"""What makes a folder a gallery of its own, which is not searched as a folder of pictures."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One picture file as it was listed: absolute path, and what changes when its content does (bytes, nanoseconds)."""

    path: Path
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def key(self) -> bytes:
        """The path in bytes: names that are not valid UTF-8 stay what they are."""
        return os.fsencode(self.path)

    def is_unchanged(self) -> bool:
        """Ask the disk whether the file is still as it was listed."""
        try:
            return picture_file(self.path) == self
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A picture or folder that could not be read, and why, in one line."""

    path: Path
    error: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures of a folder, sorted by path, and what in it could not be listed."""

    folder: Path
    pictures: tuple[PictureFile, ...]
    unreadable: tuple[Unreadable, ...]


def absolute(path: Path) -> Path:
    """Return the path made absolute, with links left as they are."""
    return Path(os.path.abspath(path.expanduser()))


def picture_file(path: Path) -> PictureFile:
    """Return one file as it is now; OSError where it cannot be asked."""
    status = path.stat()
    return PictureFile(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def list_pictures(folder: Path, *, skip: Path | None = None) -> Listing:
    """Return all pictures in a folder and its subfolders.

    Suffixes count in any case. Left out are hidden files and folders, whatever is not a regular file, and the folder
    `skip`. Links are followed, but no folder is entered twice, so loops end.

    Raises:
        DataError: when the folder is missing, a file, unreadable, or holds no picture.
    """
    root = absolute(folder)
    _check_folder(root)
    skipped = None if skip is None else _identity(absolute(skip))
    pictures: list[PictureFile] = []
    unreadable: list[Unreadable] = []
    entered = {_identity(root)}
    waiting = [root]
    while waiting:
        inside = _read_folder(waiting.pop(), pictures, unreadable)
        for subfolder in inside:
            identity = _identity(subfolder)
            if identity is not None and (identity in entered or identity == skipped):
                continue
            entered.add(identity)
            waiting.append(subfolder)
    if not pictures and (root / GALLERY_FILE).is_file():
        raise DataError(f"{str(root)!r} is a gallery, not a folder of pictures; use `aio-reid gallery search`")
    if not pictures and not unreadable:
        raise DataError(f"no pictures in folder {str(root)!r} or below it; it needs files such as .jpg, .png or .webp")
    return Listing(root, tuple(sorted(pictures, key=lambda p: p.key)), tuple(unreadable))


def _check_folder(root: Path) -> None:
    try:
        mode = root.stat().st_mode
        if not stat.S_ISDIR(mode):
            raise DataError(f"{str(root)!r} is a file, not a folder; give the folder that holds the pictures to search")
        with os.scandir(root):
            return
    except FileNotFoundError:
        raise DataError(f"folder {str(root)!r} does not exist; check the spelling of the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"folder {str(root)!r} cannot be read ({reason}); check its permissions") from None


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return device and inode, the same for every path to a folder; None where it cannot be asked."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _read_folder(folder: Path, pictures: list[PictureFile], unreadable: list[Unreadable]) -> list[Path]:
    """Append the pictures of one folder, and return its subfolders in reverse order (the last is entered first)."""
    subfolders: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        unreadable.append(Unreadable(folder, f"folder cannot be read: {error.strerror}"))
        return subfolders
    for entry in visible:
        try:
            if entry.is_dir():
                subfolders.append(Path(entry.path))
            elif os.path.splitext(entry.name)[1].lower() in PICTURE_SUFFIXES:
                _append_picture(entry, pictures)
        except OSError as error:
            unreadable.append(Unreadable(Path(entry.path), error.strerror or str(error)))
    return subfolders[::-1]


def _append_picture(entry: os.DirEntry[str], pictures: list[PictureFile]) -> None:
    status = entry.stat()
    if stat.S_ISREG(status.st_mode):  # a pipe named x.jpg would make the search wait for ever
        pictures.append(PictureFile(Path(entry.path), status.st_size, status.st_mtime_ns, status.st_ctime_ns))
