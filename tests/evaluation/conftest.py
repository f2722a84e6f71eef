"""The made copies of data sets lie beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aio_reid.config import ModelConfig
from aio_reid.models.build import build_model, export_weights
from aio_reid.models.checkpoint import write_weights
from aio_reid.records import Modality

sys.path.insert(0, str(Path(__file__).parent))


def write_tiny(path: Path, modalities: tuple[str, ...]) -> str:
    config = ModelConfig.model_validate(
        {
            "encoder": {"kind": "plain", "width": 16, "depth": 1, "num_heads": 2},
            "image_size": (32, 16),
            "stem_width": 4,
            "word_width": 4,
            "modalities": modalities,
        }
    )
    about = {"note": "random", "reliability": {"sketch": 0.2, "text": 0.4}}  # so that late fusion has to heed it
    write_weights(path, export_weights(build_model(config, seed=0), config, about))
    return str(path)


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random model of every modality, as a file."""
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.safetensors", tuple(Modality))


@pytest.fixture(scope="session")
def photo_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random model that reads photos and sentences only."""
    return write_tiny(tmp_path_factory.mktemp("tiny") / "photos.safetensors", ("rgb", "text"))


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy of every data set; not to be changed."""
    from suite_trees import grow_all

    folder = tmp_path_factory.mktemp("all") / "data"
    grow_all(folder)
    return folder
