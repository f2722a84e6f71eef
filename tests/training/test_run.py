"""Runs on a tiny set: frozen encoder, resumption to the same losses, bad losses, another configuration,
pre-training.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch

from aio_reid.api import AIO
from aio_reid.errors import ConfigError, TrainingError
from aio_reid.models.build import load_model
from aio_reid.records import Modality
from aio_reid.training import loop, run
from aio_reid.training.export import export_run
from aio_reid.training.pretrain import pretrain
from aio_reid.training.reliability import GRID
from aio_reid.training.state import read_log
from aio_reid.weights import hash_weights


def losses(folder: Path) -> list[float]:
    return [row["total"] for row in read_log(folder)]


def test_a_run_leaves_usable_weights_and_an_unchanged_encoder(manifest: Path, tmp_path: Path) -> None:
    config = tiny.tiny_config(manifest)
    result = run.train(config, tmp_path / "run")
    _, weights = load_model(result.weights)
    assert result.steps == 6 and len(losses(tmp_path / "run")) == 6
    assert weights.encoder_hash == run.build_model(config.model, seed=config.seed).encoder.hash()
    assert weights.about["provenance"]["seed"] == 3 and weights.about["steps"] == 6
    assert AIO.load(result.weights).embed(["a man in a red jacket"]).shape == (1, 32)
    assert set(result.validation) >= {"R_rank1", "RIST_mAP", "T_rank1"}
    assert all(0 <= value <= 1 for value in result.validation.values())
    reliability = AIO.load(result.weights).reliability
    assert reliability[Modality.RGB] == 1.0 and set(reliability) == set(AIO.load(result.weights).model.modalities)
    assert set(reliability.values()) <= set(GRID)
    checkpoint = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert not any(name.startswith("model.encoder.") for name in checkpoint["trained"])


def test_the_same_seed_gives_the_same_losses(manifest: Path, tmp_path: Path) -> None:
    config = tiny.tiny_config(manifest, optim={"max_steps": 3})
    for name in ("a", "b"):
        run.train(config, tmp_path / name)
    assert losses(tmp_path / "a") == losses(tmp_path / "b")


SAMPLED = {"loss": {"sampled_identities": 0.4}, "optim": {"max_epochs": 3, "learning_rate": 1e-2}}


@pytest.mark.parametrize(
    ("killed_after", "changes"),
    [(1, {}), (3, {}), (5, {}), (3, SAMPLED), (3, {"optim": {"micro_batches": 3}})],
    ids=["1", "3", "5", "sampled classes", "micro-batches"],
)
def test_a_killed_run_resumes_to_the_same_losses(
    manifest: Path, tmp_path: Path, killed_after: int, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny.tiny_config(manifest, **changes)
    run.train(config, tmp_path / "whole")
    steps = iter(range(100))
    original = loop._step

    def dying(*args: object) -> object:
        if next(steps) == killed_after:
            raise KeyboardInterrupt
        return original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_step", dying)
    with pytest.raises(KeyboardInterrupt):
        run.train(config, tmp_path / "cut")
    monkeypatch.setattr(loop, "_step", original)
    run.train(config, tmp_path / "cut", resume=True)
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")


def test_a_folder_with_a_run_is_never_overwritten(manifest: Path, tmp_path: Path) -> None:
    run.train(tiny.tiny_config(manifest, optim={"max_steps": 2}), tmp_path / "run")
    with pytest.raises(TrainingError, match="--resume"):
        run.train(tiny.tiny_config(manifest), tmp_path / "run")
    with pytest.raises(TrainingError, match="another config"):
        run.train(tiny.tiny_config(manifest, seed=4), tmp_path / "run", resume=True)
    (tmp_path / "run" / "checkpoint.pt").unlink()  # to save space
    for resume in (False, True):
        with pytest.raises(TrainingError, match="holds weights and no checkpoint"):
            run.train(tiny.tiny_config(manifest), tmp_path / "run", resume=resume)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(TrainingError, match="other files"):
        run.train(tiny.tiny_config(manifest), tmp_path / "mine")


def test_a_loss_that_is_not_finite_stops_and_names_step_and_batch(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = loop._step

    def poisoned(parts: loop.LoopParts, *args: object) -> object:
        if args[-1] == 3:
            with torch.no_grad():
                parts.objective.classifier.linear.weight.fill_(float("nan"))
        return original(parts, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_step", poisoned)
    with pytest.raises(TrainingError, match=r"step 4 .*ce=nan.*identities \["):
        run.train(tiny.tiny_config(manifest), tmp_path / "run")
    kept = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert all(torch.isfinite(t).all() for t in kept["trained"].values() if t.is_floating_point())


def test_training_lowers_the_loss(manifest: Path, tmp_path: Path) -> None:
    config = tiny.tiny_config(manifest, optim={"max_epochs": 40, "learning_rate": 3e-3}, checkpoint_every=100)
    run.train(config, tmp_path / "run")
    curve = losses(tmp_path / "run")
    assert sum(curve[-10:]) < 0.8 * sum(curve[:10])


@pytest.mark.parametrize("binding", ["sdm", "wrt"])
def test_named_alternatives_of_the_binding_train(manifest: Path, tmp_path: Path, binding: str) -> None:
    run.train(tiny.tiny_config(manifest, loss={"binding": binding}, optim={"max_steps": 2}), tmp_path / "run")
    rows = read_log(tmp_path / "run")
    assert all(row["fb"] > 0 for row in rows)


def test_a_pretrained_encoder_serves_a_run(manifest: Path, tmp_path: Path) -> None:
    words = {"modalities": ["rgb", "text"]}
    loss = {"ce_weight": 0.0, "va_weight": 0.0, "bind_rgb_pairs": True, "fused_every": 0}
    config = tiny.tiny_config(manifest, trainable_encoder=True, model=words, loss=loss, optim={"max_steps": 3})
    made = pretrain(config, tmp_path / "pre")
    fresh = run.build_model(config.model, seed=config.seed).encoder.hash()
    encoder = {"kind": "plain", "width": 32, "depth": 2, "num_heads": 2, "weights_file": str(made.weights)}
    second = tiny.tiny_config(
        manifest, model={"encoder": encoder}, start_from=str(made.weights), optim={"max_steps": 2}
    )
    result = run.train(second, tmp_path / "run")
    _, before = load_model(made.weights)
    _, after = load_model(result.weights)
    assert after.encoder_hash == before.encoder_hash != fresh


def test_pretraining_refuses_a_run_of_another_kind(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trainable_encoder"):
        pretrain(tiny.tiny_config(manifest), tmp_path / "run")


def test_log_cut_by_a_kill_is_read_up_to_the_last_whole_line(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(json.dumps({"step": 0}) + "\n" + '{"step": 1, "tot')
    assert read_log(tmp_path) == [{"step": 0}]


def test_exported_weights_load_in_half_precision_too(manifest: Path, tmp_path: Path) -> None:
    result = run.train(tiny.tiny_config(manifest, optim={"max_steps": 1}), tmp_path / "run")
    whole = export_run(tmp_path / "run", tmp_path / "whole.safetensors")
    half = export_run(tmp_path / "run", tmp_path / "half.safetensors", half=True)
    sentence = ["a man in a red jacket"]
    expected = AIO.load(result.weights).embed(sentence)
    assert (AIO.load(whole).embed(sentence) == expected).all()
    assert abs(AIO.load(half).embed(sentence) - expected).max() < 0.01
    assert half.stat().st_size < 0.7 * whole.stat().st_size
    with pytest.raises(TrainingError, match=r"there is no run .*nothing'; train one first"):
        export_run(tmp_path / "nothing", tmp_path / "out.safetensors")


def test_exported_weights_read_mirror_images_where_wanted(manifest: Path, tmp_path: Path) -> None:
    plain = run.train(tiny.tiny_config(manifest, optim={"max_steps": 1}), tmp_path / "run").weights
    mirrored = export_run(plain, tmp_path / "mirrored.safetensors", mirrored=True)
    back = export_run(mirrored, tmp_path / "back.safetensors", mirrored=False)
    kept = export_run(mirrored, tmp_path / "kept.safetensors")
    picture = np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)
    single = [AIO.load(plain).embed([view])[0] for view in (picture, picture[:, ::-1])]
    mean = sum(single) / np.linalg.norm(sum(single))
    assert np.abs(mean - single[0]).max() > 1e-3
    for weights, expected in ((mirrored, mean), (kept, mean), (back, single[0])):
        np.testing.assert_allclose(AIO.load(weights).embed([picture])[0], expected, atol=1e-6)


def test_several_runs_are_averaged(manifest: Path, tmp_path: Path) -> None:
    runs = [tmp_path / name for name in ("a", "b", "c")]
    for seed, folder in enumerate(runs):
        run.train(tiny.tiny_config(manifest, seed=seed, trainable_encoder=True, optim={"max_steps": 1}), folder)
    out = export_run(runs[0], tmp_path / "mean.safetensors", averaged=runs[1:])
    mean, written = load_model(out)
    states = [load_model(folder / "weights.safetensors")[0].state_dict() for folder in runs]
    for name, tensor in mean.state_dict().items():
        parts = [state[name] for state in states]
        expected = (parts[0].double() + parts[1] + parts[2]) / 3 if tensor.is_floating_point() else parts[0]
        assert torch.allclose(tensor.double(), expected.double(), atol=1e-6), name
    assert written.encoder_hash == mean.encoder.hash()
    assert written.about["averaged_with"] == [hash_weights(folder / "weights.safetensors") for folder in runs[1:]]
    other = {"encoder": {"kind": "plain", "width": 32, "depth": 2, "num_heads": 4}}  # of the same shapes
    run.train(tiny.tiny_config(manifest, model=other, optim={"max_steps": 1}), tmp_path / "wide")
    with pytest.raises(TrainingError, match="is of another model"):
        export_run(runs[0], out, averaged=[tmp_path / "wide"])
