"""The pictures that the benchmarks work on."""

from __future__ import annotations

from pathlib import Path

from aio_reid.people.write import ViewCounts, write_people

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
PHOTOS_A_PERSON = 8


def find_pictures(folder: Path | None, scratch: Path, count: int) -> list[Path]:
    """Return `count` pictures of a folder, in order; without one, photos of synthetic people drawn below `scratch`.

    Raises:
        SystemExit: the folder holds fewer.
    """
    if folder is None:
        views = ViewCounts(photos=PHOTOS_A_PERSON, infrared=0, sketches=0, pencils=0, captions=0)
        manifest = write_people(scratch / "people", identities=-(-count // PHOTOS_A_PERSON), seed=7, views=views)
        folder = manifest.parent / "rgb"
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if len(found) < count:
        raise SystemExit(
            f"error: {folder} holds {len(found)} pictures, {count} are needed; give another folder or --pictures"
        )
    return found[:count]
