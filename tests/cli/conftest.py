from __future__ import annotations

from pathlib import Path

import pytest

from aio_reid.config import ModelConfig
from aio_reid.models.build import build_model, export_weights
from aio_reid.models.checkpoint import write_weights
from aio_reid.people.write import Splits, ViewCounts, write_people
from aio_reid.records import Modality


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model of every modality."""
    config = ModelConfig.model_validate(
        {
            "encoder": {"kind": "plain", "width": 32, "depth": 1, "num_heads": 2},
            "image_size": (64, 32),
            "stem_width": 4,
            "word_width": 8,
            "modalities": tuple(Modality),
        }
    )
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_weights(path, export_weights(build_model(config, seed=0), config, {"note": "random"}))
    return path


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five people in the layout of a search: one picture of every kind and one sentence each, and a gallery."""
    return write_people(
        tmp_path_factory.mktemp("drawn") / "people",
        identities=5,
        seed=3,
        views=ViewCounts(photos=3, infrared=1, sketches=1, pencils=1, captions=1),
        size=(64, 32),
        splits=Splits("retrieval"),
        workers=1,
    )
