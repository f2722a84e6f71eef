"""Fixtures of the service's tests: a gallery of plain colours, served with a model whose answers are known."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "gallery"))
sys.path.insert(0, str(Path(__file__).parents[1] / "gallery" / "calibration"))

from gallery_fakes import COLOURS, write_picture
from server_fakes import HOME, WEIGHTS, BandModel, make_service, sentence_vector

from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import NewPicture, Picture
from aio_reid.gallery.store.schema import create_file
from aio_reid.records import Modality
from aio_reid.server.app import make_app
from aio_reid.server.service import Service


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """A gallery with copies: ids 1 to 12, red, green, blue, grey in turn, of two cameras, a minute apart."""
    place = tmp_path / "town"
    create_file(place, WEIGHTS, "bands", keep_copies=True)
    store = EmbeddedStore(place, write=True)
    pictures = []
    for number in range(12):
        colour = list(COLOURS)[number % 4]
        path = write_picture(tmp_path / "crops" / f"{number:02d}_{colour}.png", COLOURS[colour], seed=number)
        data = path.read_bytes()
        picture = Picture(
            hashlib.sha256(data).digest(),
            path,
            Modality.RGB,
            ("north", "gate")[number // 4 % 2],
            datetime(2026, 4, 12, 12, number),
            f"t{number}",
            columns={"person": colour, "height": 170.0 + number},
        )
        pictures.append(NewPicture(picture, sentence_vector(colour), data))
    store.add(pictures)
    store.close()
    return place


@pytest.fixture
def model() -> BandModel:
    return BandModel()


@pytest.fixture
def service(town: Path, model: BandModel) -> Service:
    return make_service(town, model)


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(make_app(service), base_url=HOME, raise_server_exceptions=False) as client:
        yield client
