from __future__ import annotations

import os

import pytest

from aio_reid.config import ModelConfig, parse
from aio_reid.models.build import build_model
from aio_reid.models.kernels import CAPACITY

NAME = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
TINY = {"encoder": {"kind": "plain", "width": 32, "depth": 1, "num_heads": 2}, "image_size": [32, 16], "stem_width": 4}


@pytest.mark.parametrize(("given", "expected"), [(None, str(CAPACITY)), ("7", "7")])
def test_whoever_builds_a_model_keeps_its_kernels(
    given: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(NAME, raising=False)
    if given is not None:
        monkeypatch.setenv(NAME, given)
    build_model(parse(ModelConfig, TINY, "test"), seed=0)
    assert os.environ[NAME] == expected
