"""Stage 2 from stage 1: what is taken over, what is fresh, what is refused; and the ablations that a run may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from aio_reid.api import AIO
from aio_reid.config import RunConfig
from aio_reid.datasets.manifest import read_rows, write_manifest
from aio_reid.errors import TrainingError
from aio_reid.models.build import build_model, export_weights, load_model
from aio_reid.models.checkpoint import read_weights, write_weights
from aio_reid.records import Modality
from aio_reid.training import run
from aio_reid.training.export import export_run
from aio_reid.training.optim import HEADS, build_optimizer, learning_rate_factor
from aio_reid.training.start import start_from
from aio_reid.training.state import read_log, read_trained

TIMM = {"encoder": {"kind": "timm", "name": "vit_tiny_patch16_224", "pretrained": False}}


@pytest.fixture(scope="module")
def stage1(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of three steps, in which every head has learned."""
    folder: Path = tmp_path_factory.mktemp("runs") / "stage1"
    run.train(tiny.tiny_config(manifest, loss={"tag_weight": 0.1}, optim={"max_steps": 3}), folder)
    return folder


def stage2(manifest: Path, start: Path, **changes: Any) -> RunConfig:
    sources = [{"manifest": str(manifest), "share": 2}, {"manifest": str(manifest), "share": 1, "replay": True}]
    data = {"manifest": None, "sources": sources}
    loss = {"label_smoothing": 0.0, "tag_weight": 0.1}
    optim = {"learning_rate": 3e-4, "head_rate": 2.0, "max_steps": 4}
    return tiny.tiny_config(manifest, data=data, loss=loss, optim=optim, start_from=str(start), **changes)


def test_a_run_goes_on_without_what_it_started_from(manifest: Path, stage1: Path, tmp_path: Path) -> None:
    start = tmp_path / "start.safetensors"
    start.write_bytes((stage1 / "weights.safetensors").read_bytes())
    config = stage2(manifest, start)
    run.train(config, tmp_path / "run")
    expected = (tmp_path / "run" / "weights.safetensors").read_bytes()
    for gone in (start, tmp_path / "run" / "weights.safetensors"):
        gone.unlink()
    run.train(config, tmp_path / "run", resume=True)
    found = read_weights(tmp_path / "run" / "weights.safetensors").tensors
    (tmp_path / "expected.safetensors").write_bytes(expected)
    before = read_weights(tmp_path / "expected.safetensors").tensors
    assert all(torch.equal(found[name], tensor) for name, tensor in before.items())


def test_all_but_the_classifier_is_taken_over_bit_by_bit(manifest: Path, stage1: Path) -> None:
    made = run._objective(stage2(manifest, stage1), num_identities=12)
    own, weights, (_, trained) = made.state_dict(), read_weights(stage1 / "weights.safetensors"), read_trained(stage1)
    taken = {f"model.{name}": tensor for name, tensor in weights.tensors.items()}
    taken |= {name: tensor for name, tensor in trained.items() if name.startswith(("attribute_head.", "tag_head."))}
    assert set(own) - set(taken) == {"classifier.linear.weight"}
    assert all(torch.equal(own[name], tensor) for name, tensor in taken.items())
    fresh = run._objective(tiny.tiny_config(manifest), num_identities=6).state_dict()
    learned = (
        "tokenizers.rgb.projection",
        "sequence.cls",
        "bottleneck.norm",
        "attribute_head.dense",
        "tag_head.linear",
    )
    for part in learned:  # otherwise nothing would have been shown
        assert any(part in name and not torch.equal(fresh[name], own[name]) for name in fresh)
    classifier = own["classifier.linear.weight"]
    assert classifier.shape == (12, 32) and 0.0008 < float(classifier.std()) < 0.0012
    assert made.model.encoder.hash() == weights.encoder_hash


def test_stage_2_starts_its_schedule_anew_and_leaves_the_encoder(manifest: Path, stage1: Path, tmp_path: Path) -> None:
    result = run.train(stage2(manifest, stage1), tmp_path / "run")
    rows = read_log(tmp_path / "run")
    factors = [learning_rate_factor(step, total_steps=4, warmup_share=0.05) for step in range(4)]
    assert [row["step"] for row in rows] == [0, 1, 2, 3] and factors[0] == 1.0
    assert [row["lr"] for row in rows] == pytest.approx([3e-4 * factor for factor in factors])
    after = read_weights(result.weights)
    assert after.encoder_hash == read_weights(stage1 / "weights.safetensors").encoder_hash
    assert after.about["data"]["identities"] == 12 and len(after.about["sources"]) == 2
    again = run.train(stage2(manifest, stage1), tmp_path / "run", resume=True)
    assert again.steps == 4


def test_heads_learn_at_their_own_rate(manifest: Path) -> None:
    made = run._objective(tiny.tiny_config(manifest), num_identities=6)
    rates = {"learning_rate": 1e-3, "weight_decay": 0.05, "word_table_rate": 0.1}
    name_of = {id(parameter): name for name, parameter in made.named_parameters()}
    found: dict[str, float] = {}
    for group in build_optimizer(made, **rates, head_rate=2.0).param_groups:
        found |= {name_of[id(parameter)]: group["lr"] for parameter in group["params"]}
    trained = {name for name, parameter in made.named_parameters() if parameter.requires_grad}
    assert set(found) == trained
    for name, rate in found.items():
        expected = 2e-3 if name.startswith(HEADS) else 1e-4 if name.endswith("words.weight") else 1e-3
        assert rate == pytest.approx(expected), name
    assert sum(rate == 2e-3 for rate in found.values()) == 12  # bottleneck 1, classifier 1, attributes 6, tags 4
    assert len(build_optimizer(made, **rates).param_groups) == 3  # as older checkpoints have them


def test_the_classifier_learns_at_a_rate_of_its_own(manifest: Path) -> None:
    made = run._objective(tiny.tiny_config(manifest), num_identities=6)
    rates = {"learning_rate": 1e-3, "weight_decay": 0.05, "word_table_rate": 0.1}
    name_of = {id(parameter): name for name, parameter in made.named_parameters()}
    groups = build_optimizer(made, **rates, head_rate=2.0, classifier_rate=0.1).param_groups
    (apart,) = (group for group in groups if group["lr"] == pytest.approx(2e-4))
    assert [name_of[id(parameter)] for parameter in apart["params"]] == ["classifier.linear.weight"]
    assert apart["weight_decay"] == 0.05
    assert sum(len(group["params"]) for group in groups) == sum(p.requires_grad for p in made.parameters())


def test_parts_of_another_encoder_are_refused(manifest: Path, stage1: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"belongs to encoder .* configure the encoder") as caught:
        run.train(stage2(manifest, stage1, seed=4), tmp_path / "run")  # another seed: another random encoder
    assert "\n" not in str(caught.value)
    with pytest.raises(TrainingError, match=r"holds no weights\.safetensors: finish that run first"):
        run.train(stage2(manifest, tmp_path), tmp_path / "other")


def test_a_weights_file_alone_brings_the_model_but_no_heads(manifest: Path, stage1: Path) -> None:
    made = run._objective(tiny.tiny_config(manifest, seed=3), num_identities=6)
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    taken = start_from(made, stage1 / "weights.safetensors", with_encoder=False)
    changed = {name for name, tensor in made.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed <= set(taken) and all(name.startswith("model.") for name in taken)
    assert any(name.startswith("model.tokenizers.sketch.") for name in changed)


@pytest.mark.parametrize("model", [{}, TIMM], ids=["plain", "timm"])
def test_a_trained_encoder_is_in_the_weights_and_goes_on_in_stage_2(
    manifest: Path, tmp_path: Path, model: dict[str, Any]
) -> None:
    config = tiny.tiny_config(manifest, trainable_encoder=True, model=model, optim={"max_steps": 1})
    first = run.train(config, tmp_path / "first")
    loaded, weights = load_model(first.weights)
    assert weights.has_encoder and weights.encoder_hash != build_model(config.model, seed=3).encoder.hash()
    assert weights.encoder_hash == loaded.encoder.hash()
    copied = export_run(tmp_path / "first", tmp_path / "copy.safetensors")
    sentence = ["a man in a red jacket"]
    assert (AIO.load(copied).embed(sentence) == AIO.load(first.weights).embed(sentence)).all()
    second = run._objective(stage2(manifest, tmp_path / "first", trainable_encoder=True, model=model), 12)
    assert second.model.encoder.hash() == weights.encoder_hash
    assert all(parameter.requires_grad for parameter in second.model.encoder.parameters())


def test_a_published_encoder_stays_outside_unless_it_was_trained(manifest: Path, tmp_path: Path) -> None:
    random = tiny.tiny_config(manifest, model=TIMM).model
    published = random.model_copy(update={"encoder": random.encoder.model_copy(update={"pretrained": True})})
    model = build_model(random, seed=3)
    assert not export_weights(model, published, {}).has_encoder
    model.encoder.requires_grad_(True)
    trained = export_weights(model, published, {})
    assert trained.has_encoder
    write_weights(tmp_path / "w.safetensors", trained)
    assert load_model(tmp_path / "w.safetensors")[1].encoder_hash == model.encoder.hash()  # and nothing is fetched


def test_a_random_frozen_encoder_and_linear_patches_make_a_run(manifest: Path, tmp_path: Path) -> None:
    config = tiny.tiny_config(manifest, model={**TIMM, "stem": "patch"}, optim={"max_steps": 1})
    result = run.train(config, tmp_path / "run")
    model, weights = load_model(result.weights)  # in a process that does not know the seed
    assert weights.encoder_hash == build_model(config.model, seed=config.seed).encoder.hash()
    assert model.tokenizers["sketch"].projection.weight.shape == (192, 3, 16, 16)  # type: ignore[union-attr]
    assert AIO.load(result.weights).embed(["a man in a red jacket"]).shape == (1, 192)


def test_a_run_without_synthesised_modalities_learns_from_what_is_on_record(manifest: Path, tmp_path: Path) -> None:
    rows = [row for row in read_rows(manifest) if row.modality is not Modality.INFRARED]
    path = manifest.with_name("no_infrared.csv")
    write_manifest(path, rows)
    config = tiny.tiny_config(
        path, data={"synthesise": False, "synthesised_share": {"sketch": 1.0}}, optim={"max_steps": 2}
    )
    before = build_model(config.model, seed=config.seed).state_dict()
    weights = read_weights(run.train(config, tmp_path / "run").weights)
    names = [f"tokenizers.{modality}.projection.weight" for modality in ("infrared", "sketch")]
    assert [not torch.equal(before[name], weights.tensors[name]) for name in names] == [False, True]
