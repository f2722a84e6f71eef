"""Loading packaged weights stays light: what costs seconds of process start is not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
from torch import nn

from aio_reid.config import ModelConfig
from aio_reid.models.bare import Uninitialised
from aio_reid.models.build import build_model, export_weights
from aio_reid.models.checkpoint import write_weights

HEAVY = ("timm", "torchvision", "open_clip", "torch._dynamo", "torch._inductor", "sympy", "accelerate", "pandas")

PROGRAM = """
import sys
from aio_reid.api import AIO
AIO.load(sys.argv[1]).embed(["a man in red"])
print(" ".join(name for name in sys.argv[2:] if name in sys.modules))
"""


def test_loading_and_embedding_import_no_heavy_library(tmp_path: Path) -> None:
    encoder = {"kind": "plain", "width": 32, "depth": 1, "num_heads": 2}
    config = ModelConfig.model_validate({"encoder": encoder, "image_size": (32, 16), "stem_width": 4, "word_width": 8})
    weights = tmp_path / "w.safetensors"
    write_weights(weights, export_weights(build_model(config, seed=0), config, {}))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(weights), *HEAVY], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == ""


def test_uninitialised_skips_initialisers_and_nothing_else() -> None:
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    with torch.device("meta"), Uninitialised():
        layer = nn.Linear(3, 4)
        nn.init.trunc_normal_(layer.weight)
    assert layer.weight.is_meta and torch.equal(torch.random.get_rng_state(), state)
    with Uninitialised():
        assert torch.equal(torch.ones(2) + 1, torch.full((2,), 2.0))
