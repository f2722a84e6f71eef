"""`aio-reid export-weights`: what its names stand for."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from aio_reid.cli import entry
from aio_reid.config import ModelConfig
from aio_reid.models.build import build_model, export_weights, load_model
from aio_reid.models.checkpoint import write_weights
from aio_reid.training import export
from aio_reid.weights import find_weights


def test_packaged_weights_are_named_wherever_a_run_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Path] = []

    def export_run(run: Path, out: Path, *, averaged: list[Path], **options: object) -> Path:
        asked.extend([run, *averaged])
        return out

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "export_run", export_run)
    words = ["export-weights", "aio-nano", "out.safetensors", "--average", "runs/mine", "--average", "aio-nano"]
    assert entry.run(words) == 0
    assert asked == [find_weights("aio-nano"), Path("runs/mine"), find_weights("aio-nano")]
    assert capsys.readouterr().out == "written: out.safetensors\n"


def test_weights_take_their_encoder_along_where_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, source = "vit_tiny_patch16_224", tmp_path / "encoder.pt"
    torch.save(timm.create_model(name, pretrained=False, num_classes=0).state_dict(), source)
    settings = ModelConfig.model_validate(
        {
            "encoder": {"kind": "timm", "name": name, "weights_file": source},
            "image_size": (32, 16),
            "stem_width": 4,
            "word_width": 8,
        }
    )
    alone, whole = tmp_path / "alone.safetensors", tmp_path / "whole.safetensors"
    write_weights(alone, export_weights(build_model(settings, seed=0), settings, {}))
    assert entry.run(["export-weights", str(alone), str(whole), "--with-encoder"]) == 0
    there = load_model(alone)[0].encoder.hash()
    source.unlink()
    assert load_model(whole)[0].encoder.hash() == there
    capsys.readouterr()
    assert entry.run(["export-weights", str(alone), str(whole)]) == 2
    error = capsys.readouterr().err
    assert str(source) in error and "--with-encoder" in error and error.count("\n") == 1
