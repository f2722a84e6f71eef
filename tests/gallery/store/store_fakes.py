"""Pictures that do not exist, of which everything is known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from aio_reid.gallery.store.protocol import Condition, NewPicture, Picture, Where
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


FILTERS: list[tuple[Where, Callable[[Picture], bool]]] = [
    (Where(), lambda p: True),
    (Where(cameras=("south",)), lambda p: p.camera == "south"),
    (Where(cameras=("south", "north"), tracks=("t1",)), lambda p: p.camera is not None and p.track == "t1"),
    (Where(cameras=("west",)), lambda p: False),
    (Where(modalities=(Modality.INFRARED,)), lambda p: p.modality is Modality.INFRARED),
    (
        Where(since=NOON + timedelta(seconds=50), until=NOON + timedelta(seconds=60)),
        lambda p: p.time is not None and 50 <= (p.time - NOON).seconds < 60,
    ),
    (Where(columns=(Condition("person", "=", "0003"),)), lambda p: p.columns.get("person") == "0003"),
    (Where(columns=(Condition("person", "!=", "0003"),)), lambda p: p.columns.get("person", "0003") != "0003"),
    (
        Where(columns=(Condition("height", ">=", "180"), Condition("height", "<", "185"))),
        lambda p: 180 <= p.columns.get("height", 0) < 185,
    ),
    (Where(paths=(new_picture(7).picture.path,), ids=(9,)), lambda p: p.frame in (7, 9)),
]


def by_hand(query: np.ndarray, fits: Callable[[Picture], bool], count: int = 400) -> list[tuple[int, float]]:
    """Return (id, score), best first, equal ones by id: everything computed and sorted."""
    kept = [n for n in range(1, count + 1) if fits(new_picture(n).picture)]
    scores = {n: float(np.float32(np.sum(unit(n).astype(float) * query.astype(float)))) for n in kept}
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
