"""The shipped configurations of both stages make two steps each on small copies of the real layout, stage 2 from what
stage 1 left. They find everything at the places that they name; what is overridden only makes them small.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import stage_trees
import tiny
import torch

from aio_reid.config import ModelConfig, RunConfig, load_config, parse
from aio_reid.models.build import load_model
from aio_reid.training.export import export_run
from aio_reid.training.pretrain import pretrain
from aio_reid.training.run import train
from aio_reid.training.state import read_log
from aio_reid.weights import find_weights

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = (
    "model.image_size=[32, 16]",
    "model.stem_width=4",
    "model.word_width=8",
    "data.num_workers=0",
    "data.num_identities=3",
    "data.tuples_per_identity=2",
    "optim.max_steps=2",
    "precision=fp32",
    "compile=false",
)
TINY_VIT = ("model.encoder={kind: timm, name: vit_tiny_patch16_224, pretrained: false}",)
NANO = (
    "model.encoder.width=32",
    "model.encoder.depth=1",
    "model.encoder.num_heads=2",
    "model.pyramid_widths=[4, 8]",
)


def shrunk(name: str, *overrides: str) -> RunConfig:
    return load_config(CONFIGS / f"{name}.yaml", (*SMALL, *overrides))


def check(name: str) -> dict[str, object]:
    """Return what the run's weights say of it, after two steps with finite losses."""
    losses = [row["total"] for row in read_log(Path("runs") / name)]
    assert len(losses) == 2 and all(torch.isfinite(torch.tensor(losses)))
    _, weights = load_model(Path("runs") / name / "weights.safetensors")
    return {"encoder": weights.encoder_hash, **weights.about}


def test_the_stages_of_the_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stage_trees.grow(Path("data"))
    first, second = shrunk("aio-b-stage1", *TINY_VIT), shrunk("aio-b-stage2", *TINY_VIT)
    train(first, Path("runs/aio-b-stage1"))
    train(second, Path("runs/aio-b-stage2"))
    before, after = check("aio-b-stage1"), check("aio-b-stage2")
    assert before["encoder"] == after["encoder"]
    assert [s["identities"] for s in after["sources"]] == [4, 4, 4]  # type: ignore[attr-defined]
    assert after["data"] == {"identities": 12, "photos": 8 + 7 + 8, "records": 12 + 18 + 32 + 18 + 24}


def test_the_stages_of_nano(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("people", "more-people", "new-people", "wide-people", "other-people", "people-real"):
        folder = Path("runs") / name
        folder.mkdir(parents=True)
        tiny.tiny_people(folder)
    for name in ("nano-pretrain", "nano-details", "nano-grey", "nano-form"):
        alike = ("data.lookalikes=2",) if name != "nano-pretrain" else ()
        pretrain(shrunk(name, *NANO, *alike), Path("runs") / name)
    train(shrunk("nano-form-stage1", *NANO, "data.lookalikes=2"), Path("runs") / "nano-form-stage1")
    for name in ("nano-identities", "nano-longer"):
        pretrain(shrunk(name, *NANO, "data.lookalikes=2"), Path("runs") / name)
    export_run(Path("runs/nano-longer"), Path("runs/nano-eighth.safetensors"))
    pretrain(shrunk("nano-wide", *NANO, "data.lookalikes=2"), Path("runs") / "nano-wide")
    export_run(Path("runs/nano-wide"), Path("runs/nano-ninth.safetensors"))
    pretrain(shrunk("nano-other", *NANO, "data.lookalikes=2"), Path("runs") / "nano-other")
    train(shrunk("nano-stage1", *NANO, "data.lookalikes=2"), Path("runs") / "nano-stage1")
    train(shrunk("nano-stage2", *NANO), Path("runs") / "nano-stage2")
    for pretrained, trained in (("nano-form", "nano-form-stage1"), ("nano-other", "nano-stage1")):
        assert check(pretrained)["encoder"] == check(trained)["encoder"]
    before, first, second = (check(name) for name in ("nano-form", "nano-stage1", "nano-stage2"))
    assert before["encoder"] != first["encoder"] == second["encoder"]
    assert [s["dataset"] for s in second["sources"]] == ["people-real", "more-people"]  # type: ignore[attr-defined]


def test_going_on_from_the_packaged_weights_reads_as_they_do() -> None:
    own = load_config(CONFIGS / "own-people.yaml").model
    packaged, weights = load_model(find_weights("aio-nano"))
    there = parse(ModelConfig, weights.model, "the packaged weights")
    unlike = {name for name in type(own).model_fields if getattr(own, name) != getattr(there, name)}
    assert unlike <= {"encoder"} and own.mirrored == packaged.mirrored
