"""Pictures that do not exist, of which everything is known."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from aio_reid.gallery.store.protocol import NewPicture, Picture
from aio_reid.records import Modality

WEIGHTS = "a" * 64
SIZE = 48
NOON = datetime(2026, 4, 12, 12)
CAMERAS = ("north", "south", None)


def unit(number: int) -> np.ndarray:
    """Return the vector of a picture, float32 (SIZE,); every tenth picture repeats the vector of the one before."""
    same = number - 1 if number % 10 == 9 else number
    vector = np.random.default_rng(same).standard_normal(SIZE).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def new_picture(number: int) -> NewPicture:
    camera = CAMERAS[number % 3]
    columns = {} if number % 7 == 0 else {"person": f"{number % 20:04d}", "height": float(150 + number % 40)}
    picture = Picture(
        hashlib.sha256(str(number).encode()).digest(),
        Path(f"/nowhere/crops/picture-{number:06d}.jpg"),
        Modality.INFRARED if number % 4 == 0 else Modality.RGB,
        camera,
        None if number % 11 == 0 else NOON + timedelta(seconds=number),
        None if number % 5 == 0 else f"t{number % 6}",
        f"video-{number % 3}.mp4",
        number,
        columns,
    )
    return NewPicture(picture, unit(number))


def new_pictures(count: int, start: int = 1) -> list[NewPicture]:
    return [new_picture(number) for number in range(start, start + count)]
