"""What goes wrong with a run: told in one line, before hours are spent on it, and nothing that was trained is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny
import torch

from aio_reid.datasets.manifest import ManifestRow, read_rows, write_manifest
from aio_reid.errors import AioError, ConfigError, DataError, StorageError, TrainingError
from aio_reid.models.checkpoint import read_weights
from aio_reid.records import Modality, Split
from aio_reid.training import loop, run
from aio_reid.training.state import VALIDATION, append_row, first_difference, read_log


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A training set for each test alone, to be damaged."""
    folder = tmp_path / "people"
    folder.mkdir()
    path: Path = tiny.tiny_people(folder)
    return path


def losses(folder: Path) -> list[float]:
    return [row["total"] for row in read_log(folder)]


def changed(manifest: Path, rows: list[ManifestRow]) -> Path:
    path = manifest.with_name("changed.parquet")
    write_manifest(path, rows)
    return path


@pytest.mark.parametrize("num_workers", [0, 1])
def test_an_unreadable_picture_is_named_and_what_was_trained_is_kept(
    manifest: Path, tmp_path: Path, num_workers: int
) -> None:
    config = tiny.tiny_config(manifest, data={"num_workers": num_workers}, checkpoint_every=100)
    run.train(config, tmp_path / "whole")
    for name in ("0_0.png", "0_1.png"):  # both photos of a person who is met in every epoch
        (manifest.parent / name).rename(manifest.parent / f"{name}.kept")
        (manifest.parent / name).write_bytes(b"\x89PNG cut short")
    with pytest.raises(DataError) as caught:
        run.train(config, tmp_path / "cut")
    message = str(caught.value)
    assert "\n" not in message and "Traceback" not in message
    assert "0_" in message and "manifest.parquet" in message and "--resume" in message
    for name in ("0_0.png", "0_1.png"):
        (manifest.parent / f"{name}.kept").replace(manifest.parent / name)
    run.train(config, tmp_path / "cut", resume=True)
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")


def test_a_broken_picture_of_the_validation_costs_no_step(manifest: Path, tmp_path: Path) -> None:
    config = tiny.tiny_config(manifest, checkpoint_every=100, validate_every=4)
    run.train(config, tmp_path / "whole")
    broken = manifest.parent / "7_1.png"  # of a person of the split val
    broken.rename(tmp_path / "kept.png")
    broken.write_bytes(b"\x89PNG cut short")
    with pytest.raises(AioError, match=r"7_1\.png"):
        run.train(config, tmp_path / "cut")
    assert torch.load(tmp_path / "cut" / "checkpoint.pt", weights_only=True)["position"]["step"] == 4
    (tmp_path / "kept.png").replace(broken)
    run.train(config, tmp_path / "cut", resume=True)
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")


def test_a_late_unreadable_picture_costs_no_step(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny.tiny_config(manifest, checkpoint_every=100)
    run.train(config, tmp_path / "whole")
    original = loop._step

    def damaging(parts: loop.LoopParts, *args: object) -> object:
        if args[-1] == 3:
            for path in manifest.parent.glob("*_[01].png"):
                path.rename(path.with_suffix(".kept"))
                path.write_bytes(b"\x89PNG cut short")
        return original(parts, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_step", damaging)
    with pytest.raises(DataError, match=r"step 5 has no batch: picture .*png"):
        run.train(config, tmp_path / "cut")
    monkeypatch.setattr(loop, "_step", original)
    kept = torch.load(tmp_path / "cut" / "checkpoint.pt", weights_only=True)
    assert kept["position"]["step"] == 4
    for path in manifest.parent.glob("*.kept"):
        path.replace(path.with_suffix(".png"))
    run.train(config, tmp_path / "cut", resume=True)
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")


def test_a_missing_picture_is_told_before_the_first_step(manifest: Path, tmp_path: Path) -> None:
    (manifest.parent / "3_2.png").unlink()
    with pytest.raises(DataError, match=r"3_2\.png"):
        run.train(tiny.tiny_config(manifest), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_fewer_persons_than_a_batch_needs_leave_no_weights(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="6 training identities, but a batch needs 7"):
        run.train(tiny.tiny_config(manifest, data={"num_identities": 7}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_without_a_validation_split_a_run_is_not_validated(manifest: Path, tmp_path: Path) -> None:
    path = changed(manifest, [row for row in read_rows(manifest) if row.split is Split.TRAIN])
    result = run.train(tiny.tiny_config(path, optim={"max_steps": 2}), tmp_path / "run")
    assert result.validation == {} and result.weights.exists()
    assert not (tmp_path / "run" / VALIDATION).exists()


def test_a_validation_split_that_cannot_be_ranked_is_told_before_training(manifest: Path, tmp_path: Path) -> None:
    rows = read_rows(manifest)
    no_photos = [row for row in rows if row.split is Split.TRAIN or row.modality is not Modality.RGB]
    with pytest.raises(DataError, match="split val cannot be validated on"):
        run.train(tiny.tiny_config(changed(manifest, no_photos)), tmp_path / "run")
    person = next(row.person for row in rows if row.split is Split.TRAIN)
    twice = [*rows, ManifestRow(None, "a man", person, Modality.TEXT, Split.VAL)]
    with pytest.raises(DataError, match=f"person '{person}' is in the splits train and val"):
        run.train(tiny.tiny_config(changed(manifest, twice)), tmp_path / "run")


def test_validation_rows_carry_their_step_and_are_not_repeated(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny.tiny_config(manifest, validate_every=2, checkpoint_every=3)
    original = loop._step

    def dying(*args: object) -> object:
        if args[-1] == 4:
            raise KeyboardInterrupt
        return original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_step", dying)
    with pytest.raises(KeyboardInterrupt):
        run.train(config, tmp_path / "run")
    monkeypatch.setattr(loop, "_step", original)
    result = run.train(config, tmp_path / "run", resume=True)
    rows = read_log(tmp_path / "run", VALIDATION)
    assert [row["step"] for row in rows] == [1, 3, 5]
    assert {**rows[-1]} == {"step": 5, **result.validation}


def test_a_finished_run_is_left_as_it_is(manifest: Path, tmp_path: Path) -> None:
    config = tiny.tiny_config(manifest)
    first = run.train(config, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").glob("*.*")}
    again = run.train(config, tmp_path / "run", resume=True)
    assert again == first
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").glob("*.*")} == before
    first.weights.write_bytes(b"")  # a power cut
    assert run.train(config, tmp_path / "run", resume=True).validation == first.validation
    assert read_weights(first.weights).about["steps"] == 6
    first.weights.unlink()  # killed after the last checkpoint and validation, before the weights were written
    assert run.train(config, tmp_path / "run", resume=True).validation == first.validation
    assert [row["step"] for row in read_log(tmp_path / "run", VALIDATION)] == [5]


def test_another_configuration_does_not_replace_that_of_the_run(manifest: Path, tmp_path: Path) -> None:
    run.train(tiny.tiny_config(manifest, optim={"max_steps": 2}), tmp_path / "run")
    before = (tmp_path / "run" / "config.yaml").read_text(encoding="utf-8")
    faster = tiny.tiny_config(manifest, optim={"max_steps": 2, "learning_rate": 0.5})
    with pytest.raises(TrainingError, match=r"another configuration \(optim\.learning_rate: 0\.001 then, 0\.5 now\)"):
        run.train(faster, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "config.yaml").read_text(encoding="utf-8") == before


def rewrite(checkpoint: Path, edit: str) -> None:
    state = torch.load(checkpoint, weights_only=True)
    about = json.loads(state["about"])
    about.pop("persons_hash", None)
    if edit == "older":
        del about["config"]["model"]["feature_after_bottleneck"]
    elif edit == "others":
        about["persons_hash"] = "0" * 64
        about["data"]["identities"] = 70
    elif edit.endswith("encoder"):
        about["encoder_hash"], about["kept"] = about.pop("kept", "f" * 64), about["encoder_hash"]
    torch.save({**state, "about": json.dumps(about)}, checkpoint)


def test_a_run_goes_on_after_a_setting_was_added_but_not_with_other_persons(manifest: Path, tmp_path: Path) -> None:
    config = tiny.tiny_config(manifest)
    run.train(config, tmp_path / "run")
    (tmp_path / "run" / "weights.safetensors").unlink()
    rewrite(tmp_path / "run" / "checkpoint.pt", "older")
    assert run.train(config, tmp_path / "run", resume=True).steps == 6
    rewrite(tmp_path / "run" / "checkpoint.pt", "others")
    with pytest.raises(TrainingError, match=r"another set of training persons \(70 persons then, 6 now\)"):
        run.train(config, tmp_path / "run", resume=True)
    rewrite(tmp_path / "run" / "checkpoint.pt", "encoder")
    with pytest.raises(TrainingError, match=r"another encoder \(f{12} then, [0-9a-f]{12} now\)"):
        run.train(config, tmp_path / "run", resume=True)
    rewrite(tmp_path / "run" / "checkpoint.pt", "same encoder")
    fewer = [row for row in read_rows(manifest) if row.person != "0000"]
    manifest.unlink()
    write_manifest(manifest, fewer)
    rewrite(tmp_path / "run" / "checkpoint.pt", "nameless")
    with pytest.raises(TrainingError, match="does not fit the model and training set: classifier"):
        run.train(config, tmp_path / "run", resume=True)


def test_options_that_use_what_is_said_of_people_need_somebody_of_whom_something_is(
    manifest: Path, tmp_path: Path
) -> None:
    path = changed(manifest, [row for row in read_rows(manifest) if row.modality is not Modality.TEXT])
    options = {"loss": {"tag_weight": 0.1}, "data": {"lookalikes": 2}}
    for chosen, line in (
        (options, r"tag_weight 0\.1 and data\.lookalikes 2: need.* --set loss\.tag_weight=0 --set data\.lookalikes=1$"),
        ({"loss": options["loss"]}, r"^loss\.tag_weight 0\.1: need sentences.*changed\.parquet.*tag_weight=0$"),
    ):
        with pytest.raises(DataError, match=line):
            run.train(tiny.tiny_config(path, **chosen), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_first_setting_that_differs_is_named_with_both_values() -> None:
    then = {"name": "a", "data": {"sources": [{"root": "x"}, {"root": "y"}], "shares": {}}, "seed": 3}
    assert first_difference(then, {**then}) is None
    assert first_difference(then, {**then, "seed": 4}) == "seed: 3 then, 4 now"
    moved = {**then, "data": {"sources": [{"root": "x"}, {"root": "z"}], "shares": {}}}
    assert first_difference(then, moved) == 'data.sources.1.root: "y" then, "z" now'
    shared = {**then, "data": {**then["data"], "shares": {"text": 0.5}}}  # type: ignore[dict-item]
    assert first_difference(then, shared) == "data.shares.text: nothing then, 0.5 now"
    assert first_difference(["hat"], ["hat", "x" * 100], "tags") == f'tags: ["hat"] then, ["hat", "{"x" * 51}... now'


def test_a_gradient_that_is_not_finite_stops_before_it_reaches_the_weights(manifest: Path, tmp_path: Path) -> None:
    config = tiny.tiny_config(manifest, checkpoint_every=1)
    objective = run._objective(config, 6)

    class Exploding(torch.autograd.Function):
        @staticmethod
        def forward(context: object, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(context: object, gradient: torch.Tensor) -> torch.Tensor:
            return gradient * float("inf")

    forward = type(objective).forward

    def exploding(self: torch.nn.Module, batch: object, step: int) -> dict[str, torch.Tensor]:
        made = forward(self, batch, step)  # type: ignore[arg-type]
        return {**made, "total": Exploding.apply(made["total"])} if step == 3 else made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(objective), "forward", exploding)
        with pytest.raises(TrainingError, match=r"not finite at step 4 .*grad_norm=.*identities \['000"):
            run.train(config, tmp_path / "run")
    kept = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert kept["position"]["step"] == 3
    assert all(torch.isfinite(t).all() for t in kept["trained"].values() if t.is_floating_point())


def test_a_log_that_cannot_be_written_is_one_line(manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "run" / VALIDATION).mkdir(parents=True)
    (tmp_path / "run" / "config.yaml").touch()
    with pytest.raises(StorageError, match=r"validation\.jsonl.*--resume"):
        run.train(tiny.tiny_config(manifest, optim={"max_steps": 1}), tmp_path / "run")
    with pytest.raises(StorageError, match=r"validation\.jsonl.*--resume"):
        append_row(tmp_path / "run", VALIDATION, {"step": 0})


def test_a_second_precision_in_one_process_is_one_line(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "usable_precision", lambda wanted: wanted)
    run.train(tiny.tiny_config(manifest, optim={"max_steps": 1}), tmp_path / "run")
    with pytest.raises(ConfigError, match="precision=fp32"):
        run.train(tiny.tiny_config(manifest, precision="bf16"), tmp_path / "other")
    assert not (tmp_path / "other").exists()
