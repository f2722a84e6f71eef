"""Options that change the cost of a run and not its result: compiled blocks, kept pictures, workers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import tiny
import torch

from aio_reid.data.tuples import TupleBatch
from aio_reid.errors import ConfigError
from aio_reid.training import batches, launch, run
from aio_reid.training.batches import iterate_batches
from aio_reid.training.processes import Processes
from aio_reid.training.sources import load_sources
from aio_reid.training.state import RunPosition, read_log


def totals(folder: Path) -> list[float]:
    return [row["total"] for row in read_log(folder)]


def test_kept_pictures_and_workers_give_the_same_losses(manifest: Path, tmp_path: Path) -> None:
    run.train(tiny.tiny_config(manifest), tmp_path / "read")
    for name, workers in (("filling", 0), ("filled", 2)):
        data = {"cache": str(tmp_path / "cache"), "num_workers": workers}
        run.train(tiny.tiny_config(manifest, data=data), tmp_path / name)
        assert totals(tmp_path / name) == totals(tmp_path / "read")
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_compiled_blocks_give_nearly_the_same_losses(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the compiler that only traces: what it makes of the traces is torch's to test, and takes a minute."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    run.train(tiny.tiny_config(manifest), tmp_path / "plain")
    result = run.train(tiny.tiny_config(manifest, compile=True), tmp_path / "compiled")
    assert totals(tmp_path / "compiled") == pytest.approx(totals(tmp_path / "plain"), rel=1e-4)
    assert not any("_orig_mod" in name for name in run.read_weights(result.weights).tensors)


def test_a_machine_that_cannot_compile_is_one_line(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(function: object) -> object:
        raise RuntimeError("no C++ compiler\nfound")

    monkeypatch.setattr(torch, "compile", broken)
    model = run.build_model(tiny.tiny_config(manifest).model, seed=0)
    with pytest.raises(ConfigError, match=r"no C\+\+ compiler found.*--set compile=false"):
        launch.compile_parts(model)


def test_a_processor_without_bfloat16_computes_in_float32(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    assert launch.usable_precision("bf16") == "bf16"
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert launch.usable_precision("fp32") == "fp32"
    run.train(tiny.tiny_config(manifest), tmp_path / "fp32")
    result = run.train(tiny.tiny_config(manifest, precision="bf16"), tmp_path / "bf16")
    assert totals(tmp_path / "bf16") == totals(tmp_path / "fp32")
    about = run.read_weights(result.weights).about
    assert (about["precision"], about["config"]["precision"]) == ("fp32", "bf16")


def test_processes_share_the_cores_of_their_machine_only(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny.tiny_config(manifest, data={"num_workers": None})
    monkeypatch.setattr(batches, "usable_cores", lambda: 12)
    second_of_four = Processes(1, 4, torch.device("cuda"))
    assert batches.count_workers(config, second_of_four) == 3
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")  # the other two are on another machine
    assert batches.count_workers(config, second_of_four) == 6


@pytest.mark.parametrize("num_workers", [0, 1])
def test_shares_of_all_processes_are_the_batch_over_epochs_and_from_any_position(
    manifest: Path, num_workers: int
) -> None:
    config = tiny.tiny_config(manifest, data={"num_workers": num_workers})
    dataset = run._dataset(config, load_sources(config.data, seed=0))

    def made(start: RunPosition, processes: Processes) -> list[tuple[TupleBatch, RunPosition]]:
        batches = list(iterate_batches(config, dataset, start, 5, processes))
        assert all(isinstance(batch, TupleBatch) for batch, _ in batches)
        return batches  # type: ignore[return-value]

    whole = made(RunPosition(), Processes())
    assert [position for _, position in whole] == [
        RunPosition(1, 0, 1), RunPosition(2, 0, 2), RunPosition(3, 1, 1), RunPosition(4, 1, 2), RunPosition(5, 2, 1)
    ]  # fmt: skip
    shares = [made(whole[2][1], Processes(index, 3)) for index in range(3)]
    for number, (batch, position) in enumerate(whole[3:]):
        parts = [share[number][0] for share in shares]
        assert {share[number][1] for share in shares} == {position}
        assert torch.equal(torch.cat([part.labels for part in parts]), batch.labels)
        for modality, pixels in batch.inputs.items():
            if modality.is_visual:
                assert torch.equal(torch.cat([part.inputs[modality] for part in parts]), pixels)
