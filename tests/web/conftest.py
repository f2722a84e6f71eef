"""A gallery of drawn people, by cameras and times, served by the command with a key, and a browser to look at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import aio_reid
from aio_reid.cli.entry import run

sys.path.insert(0, str(Path(__file__).parent))

CAMERAS = ("north", "gate", "station", "platform")
PATTERN = "{camera}_{time:%Y%m%d%H%M%S}_*"
PICTURES = "AIO_REID_PAGE_PICTURES"
"""A folder for pictures of the page (docs); a larger gallery is drawn for them."""


@dataclass(frozen=True)
class Town:
    """A served gallery: its address, key and folder, and of one person a sentence, a sketch, a photo not enrolled."""

    address: str
    key: str
    place: Path
    sentence: str
    sketch: Path
    photo: Path


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    base = tmp_path_factory.mktemp("page")
    people, place, keys = base / "people", base / "town", base / "keys.json"
    number = "60" if PICTURES in os.environ else "8"
    views = ["--photos", "3", "--infrared", "1", "--sketches", "1", "--pencils", "0", "--captions", "1"]
    draw = ["people", str(people), "--identities", number, "--seed", "11", "--layout", "retrieval", "--workers", "1"]
    assert run([*draw, *views]) == 0
    assert run(["gallery", "create", str(place), "--copy"]) == 0
    for modality in ("rgb", "infrared"):
        crops = name_by_camera(people / modality, base / "crops" / modality)
        add = ["gallery", "add", str(place), str(crops), "--name", PATTERN, "--modality", modality, "--no-cache"]
        assert run([*add, "--device", "cpu"]) == 0
    if PICTURES in os.environ:  # scores as somebody sees them who has calibrated
        others = base / "others"
        assert run(["people", str(others), "--identities", "100", "--seed", "12", "--layout", "retrieval", *views]) == 0
        assert run(["gallery", "calibrate", str(place), str(others / "manifest.parquet"), "--device", "cpu"]) == 0
    person = sorted(people.glob("rgb/*_2.jpg"))[3].name.split("_")[0]
    rows = pq.read_table(people / "manifest.parquet").to_pylist()  # type: ignore[no-untyped-call]
    sentence = next(row["caption"] for row in rows if row["caption"] and row["person"] == person)
    with served(place, keys) as (address, key):
        sketch = next(people.glob(f"sketch/{person}_*"))
        yield Town(address, key, place, sentence, sketch, next(people.glob(f"rgb/{person}_*_2.jpg")))


def name_by_camera(pictures: Path, crops: Path) -> Path:
    """Copy pictures under names that tell camera and time; the last photo of each person is not among them."""
    crops.mkdir(parents=True)
    began = datetime(2026, 4, 12, 6)
    for n, path in enumerate(sorted(pictures.iterdir())):
        if path.stem.endswith("_2"):
            continue
        time = began + timedelta(minutes=7 * n + n % 5)
        shutil.copy(path, crops / f"{CAMERAS[n * 7 % 11 % 4]}_{time:%Y%m%d%H%M%S}_{n:03d}{path.suffix}")
    return crops


@contextmanager
def served(place: Path, keys: Path) -> Iterator[tuple[str, str]]:
    """Run the command until the end of the block; give its address and a key."""
    environment = {**os.environ, "PYTHONPATH": str(Path(aio_reid.__file__).parents[1])}
    program = [sys.executable, "-m", "aio_reid"]
    create = [*program, "keys", "create", "analyst", "--scope", "search", "--keys", str(keys)]
    key = subprocess.run(create, stdout=subprocess.PIPE, text=True, env=environment, check=True).stdout.strip()
    command = [*program, "serve", str(place), "--port", "0", "--device", "cpu", "--keys", str(keys)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        address = re.search(r"http://[\d.]+:\d+", line)
        assert address, line
        yield address[0], key
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
