"""What is read of a weights file without torch: which fusion its training preferred."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from aio_reid.api import AIO
from aio_reid.errors import WeightsError
from aio_reid.models.checkpoint import WeightsFile, write_weights
from aio_reid.weights import find_weights, preferred_fusion


@pytest.mark.parametrize(
    ("about", "expected"), [({"fusion": "late"}, "late"), ({"fusion": "early"}, "early"), ({}, "early")]
)
def test_the_preferred_fusion_stands_in_the_header(tmp_path: Path, about: dict[str, str], expected: str) -> None:
    path = tmp_path / "w.safetensors"
    write_weights(path, WeightsFile({"a": torch.zeros(1)}, {}, "", False, dict(about)))
    assert preferred_fusion(path) == expected


def test_packaged_weights_say_the_same_to_the_search_and_to_the_model() -> None:
    assert preferred_fusion(find_weights("aio-nano")) == AIO.load("aio-nano", "cpu").preferred_fusion


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff" * 64, (5).to_bytes(8, "little") + b"[1,2]", (2).to_bytes(8, "little") + b"{}"]
)
def test_other_files_are_refused_or_read_early(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    if content.endswith(b"{}"):
        assert preferred_fusion(path) == "early"  # what is wrong with it shows when it is loaded
    else:
        with pytest.raises(WeightsError, match=r"w\.safetensors' cannot be read"):
            preferred_fusion(path)
