"""Galleries that a protocol draws from the folders of persons and cameras, as SYSU-MM01 and LLCM do."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.records import Record

TRIALS = 10
"""How often the galleries of SYSU-MM01 and LLCM, the splits of RegDB and those of PKU-Sketch are drawn."""

Folders = Mapping[tuple[int, int], Sequence[int]]
"""(person number, camera number), ascending -> rows of the pictures, in the order of their file names."""

_TRAILING_NUMBER = re.compile(r"(\d+)$")


def id_number(name: object) -> int:
    """Return the number at the end of a published id: 6 of "0006", 3 of "cam3".

    Raises:
        DataError: there is none.
    """
    found = _TRAILING_NUMBER.search(str(name))
    if found is None:
        raise DataError(f"the id {name!r} does not end in a number, by which this protocol orders persons and cameras")
    return int(found[1])


def list_folders(pictures: Sequence[Record]) -> Folders:
    """Sort pictures into the folders of their person and camera.

    Args:
        pictures: each with a camera, an image path, and ids that end in a number.

    Raises:
        DataError: a camera is missing, or an id does not end in a number.
    """
    folders: dict[tuple[int, int], list[int]] = {}
    for row, picture in enumerate(pictures):
        folders.setdefault((id_number(picture.person_id), id_number(picture.camera_id)), []).append(row)
    return {
        key: tuple(sorted(rows, key=lambda row: _file_name(pictures[row]))) for key, rows in sorted(folders.items())
    }


def draw_seeded(
    folders: Folders, trial: int, *, shots: int, cameras: Collection[int] | None = None
) -> NDArray[np.int64]:
    """Draw the gallery of one trial, as the published PyTorch baselines of SYSU-MM01 and LLCM do.

    Python's generator is seeded with the number of the trial and goes through persons, and the cameras of each, in
    ascending order.

    Args:
        folders: see `list_folders`.
        trial: from 0.
        shots: pictures of each person by each camera, or all where a folder holds fewer. The baselines draw single
            pictures only; of several, no published code seeds its generator, and these are drawn by `random.sample`.
        cameras: the numbers of the cameras that take part; None takes all.

    Returns:
        (G,) int64, rows.
    """
    generator = random.Random(trial)
    drawn: list[int] = []
    for (_, camera), rows in folders.items():
        if cameras is None or camera in cameras:
            one = shots == 1
            drawn += [generator.choice(rows)] if one else generator.sample(rows, min(shots, len(rows)))
    return np.array(drawn, dtype=np.int64)


def _file_name(picture: Record) -> str:
    return "" if picture.image_path is None else picture.image_path.name
