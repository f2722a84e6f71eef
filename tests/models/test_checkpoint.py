"""Weights files: on the disk before they have their name, and whole without the file that their encoder came from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import timm
import torch

from aio_reid.config import ModelConfig
from aio_reid.models.build import build_model, export_weights, load_model
from aio_reid.models.checkpoint import write_weights
from aio_reid.records import Modality

PLAIN = {"kind": "plain", "width": 32, "depth": 1, "num_heads": 2}


def config(encoder: dict[str, object]) -> ModelConfig:
    content = {"encoder": encoder, "image_size": (32, 16), "stem_width": 4, "word_width": 8}
    return ModelConfig.model_validate(content)


@pytest.mark.parametrize("layout", ["timm", "meta-transformer"])
@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vit_xsmall_patch16_clip_224"])  # without and with norm_pre
def test_weights_that_hold_their_encoder_need_not_the_file_that_it_came_from(
    layout: str, name: str, tmp_path: Path
) -> None:
    state = timm.create_model(name, pretrained=False, num_classes=0).state_dict()
    if layout == "meta-transformer":
        state = {n.removeprefix("blocks."): t for n, t in state.items() if n.startswith("blocks.")}
    torch.save(state, tmp_path / "encoder.pt")
    encoder = {"kind": "timm", "name": name, "weights_file": tmp_path / "encoder.pt"}
    settings = config(encoder)
    model = build_model(settings, seed=0).eval()
    with torch.no_grad():
        model.encoder.norm.bias.fill_(0.5)
    write_weights(tmp_path / "w.safetensors", export_weights(model, settings, {}, with_encoder=True))
    (tmp_path / "encoder.pt").unlink()
    loaded, _ = load_model(tmp_path / "w.safetensors")
    assert loaded.encoder.trainable_names == model.encoder.trainable_names
    pixels = {Modality.RGB: torch.randn(2, 3, 32, 16, generator=torch.Generator().manual_seed(0))}
    torch.testing.assert_close(loaded(pixels), model(pixels))


def test_weights_are_on_the_disk_before_they_take_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = export_weights(build_model(config(PLAIN), seed=0), config(PLAIN), {})
    done: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("replace"), replace(*names)))
    write_weights(tmp_path / "w.safetensors", weights)
    assert done == ["fsync", "replace"] and [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]
