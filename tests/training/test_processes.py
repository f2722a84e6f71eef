"""Two processes make the step that one makes with the same batch: losses, weights, resumption, mistakes."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import several
import tiny
import torch
from torch import nn

from aio_reid.config import RunConfig
from aio_reid.datasets.manifest import read_rows, write_manifest
from aio_reid.errors import DataError
from aio_reid.models.checkpoint import read_weights
from aio_reid.records import Modality
from aio_reid.training import loop, run
from aio_reid.training.folder import CONFIG
from aio_reid.training.processes import GlobalBatchNorm2d, Processes, errors_of_all, share_batch_statistics
from aio_reid.training.state import VALIDATION, read_log

LOSSES = ("total", "ce", "va", "fb", "tags", "grad_norm")


@dataclass(frozen=True)
class Together:
    """What two processes left behind: folders of runs, and what each process said."""

    folder: Path
    said: dict[str, list[str]]


def people(folder: Path) -> Path:
    """Twelve people to train on. Only some have a sentence or a pencil drawing, so that a process may get none."""
    folder.mkdir()
    path: Path = tiny.tiny_people(folder, identities=14, train=12)
    rows = []
    for row in read_rows(path):
        number = int(row.person)
        if row.modality is Modality.TEXT and number in (1, 2, 5, 7, 8, 10):
            continue
        rows.append(row)
        if row.modality is Modality.SKETCH and number in (0, 3, 12, 13):
            rows.append(replace(row, modality=Modality.PENCIL))
    path.unlink()
    write_manifest(path, rows)
    return path


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Together:
    """One process makes the whole run, and another one that is killed; then two processes do theirs."""
    folder = tmp_path_factory.mktemp("runs")
    config = config_of(people(folder / "people"))
    run.train(config, folder / "one")
    killed_at(4, config, folder / "cut")
    damaged = people(folder / "damaged")
    for name in ("0_0.png", "0_1.png"):
        (damaged.parent / name).write_bytes(b"\x89PNG cut short")
    sampled = config_of(config.data.manifest, loss={"sampled_identities": 0.3, "tag_weight": 0.1})
    micro = config_of(config.data.manifest, optim={"max_epochs": 2, "micro_batches": 2})
    one_step = config_of(config.data.manifest, optim={"max_steps": 1})
    run.train(sampled, folder / "sampled")
    jobs = {
        "two": several.Job(config, folder / "two"),
        "cut": several.Job(config, folder / "cut", resume=True),
        "two_sampled": several.Job(sampled, folder / "two_sampled"),
        "two_micro": several.Job(micro, folder / "two_micro"),
        "odd": several.Job(
            config_of(config.data.manifest, data={"num_identities": 3, "tuples_per_identity": 1}), folder / "odd"
        ),
        "blocked": several.Job(config, blocked(folder / "blocked", "tensorboard")),
        "unwritten": several.Job(one_step, blocked(folder / "unwritten", f"{run.WEIGHTS}.partial/x")),
        "taken": several.Job(config, folder / "two"),
        "damaged": several.Job(config_of(damaged, checkpoint_every=100), folder / "unread"),
    }
    said = several.train_in_processes(list(jobs.values()), 2)
    return Together(folder, dict(zip(jobs, said, strict=True)))


def blocked(out: Path, name: str) -> Path:
    """Return a run folder in which a file stands in the way of what the first process alone writes."""
    (out / name).parent.mkdir(parents=True)
    (out / name).touch()
    (out / CONFIG).touch()
    return out


def killed_at(step: int, config: RunConfig, out: Path) -> None:
    original = loop._step

    def dying(*args: object) -> object:
        if args[-1] == step:
            raise KeyboardInterrupt
        return original(*args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_step", dying)
        with pytest.raises(KeyboardInterrupt):
            run.train(config, out)


def config_of(manifest: Path, **changes: object) -> RunConfig:
    settings: dict[str, object] = {
        "model": {"modalities": ["rgb", "infrared", "pencil", "sketch", "text"]},
        "data": {"num_identities": 4, "colourless_share": 0.5, "tone_share": 1.0},
        "loss": {"tag_weight": 0.1, "bind_rgb_pairs": True},
        "optim": {"max_epochs": 2},
        "checkpoint_every": 3,
        **changes,
    }
    return tiny.tiny_config(manifest, **settings)


def assert_equal_runs(one: Path, other: Path, steps: int) -> None:
    rows, same = read_log(one), read_log(other)
    assert [row["step"] for row in rows] == [row["step"] for row in same] == list(range(steps))
    for row, twin in zip(rows, same, strict=True):
        for name in LOSSES:
            assert twin[name] == pytest.approx(row[name], rel=1e-4, abs=1e-6), (row["step"], name)
    mine, theirs = (read_weights(folder / run.WEIGHTS).tensors for folder in (one, other))
    assert set(mine) == set(theirs)
    for name, tensor in mine.items():
        # By the norm: where a gradient is all but zero, Adam steps by its sign, which rounding decides.
        difference = (theirs[name].float() - tensor.float()).norm()
        assert difference <= 1e-3 * tensor.float().norm() + 1e-4, (name, float(difference))


@pytest.mark.parametrize(("one", "two"), [("one", "two"), ("one", "cut"), ("sampled", "two_sampled")])
def test_two_processes_give_what_one_gives(together: Together, one: str, two: str) -> None:
    """From the start; from the third step on, which is where one process left its checkpoint; with sampled classes."""
    assert together.said[two] == ["", ""]
    assert_equal_runs(together.folder / one, together.folder / two, 6)
    assert len(read_log(together.folder / two, VALIDATION)) == 1  # the first process alone writes


def test_processes_may_read_their_shares_in_micro_batches(together: Together) -> None:
    assert together.said["two_micro"] == ["", ""]
    assert all(row["total"] > 0 for row in read_log(together.folder / "two_micro"))


def test_mistakes_are_told_by_every_process(together: Together) -> None:
    for line in together.said["odd"]:
        assert line == (
            "ConfigError: a batch of 3 tuples cannot be shared evenly by 2 processes; start another number of them, or "
            "change data.num_identities"
        )
    assert not (together.folder / "odd").exists()
    for line in together.said["taken"]:
        assert line.startswith("TrainingError: ") and "--resume" in line
    first, second = together.said["damaged"]
    assert first == second and first.startswith("DataError: step ") and "0_" in first


def test_what_only_the_first_process_writes_and_cannot_stops_all_with_its_line(together: Together) -> None:
    """A step's figures, and the weights at the end: the other process would otherwise wait for an exchange."""
    for name, part in (("blocked", "tensorboard' cannot be written"), ("unwritten", "weights cannot be written")):
        first, second = together.said[name]
        assert first.startswith("StorageError: ") and part in first
        assert second == first.replace("StorageError", "TrainingError", 1)


def test_alone_nothing_is_exchanged() -> None:
    alone = Processes()
    rows = torch.randn(3, 2, requires_grad=True)
    assert alone.gather(rows, [3]) is rows and alone.anywhere([True, False]) == [True, False]
    assert alone.lengths([4, 7]) == [[4], [7]] and alone.first_message("x") == "x" and alone.is_main
    with pytest.raises(DataError, match="mine"), errors_of_all(alone):
        raise DataError("mine")
    model = nn.Sequential(nn.BatchNorm2d(2))
    share_batch_statistics(model, alone)
    assert type(model[0]) is nn.BatchNorm2d


def test_global_batch_normalisation_of_one_process_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda tensor: None)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.BatchNorm2d(4)))
    nn.init.normal_(model[1][0].weight)
    twin = copy.deepcopy(model)
    share_batch_statistics(twin, Processes(0, 2))
    assert type(twin[1][0]) is GlobalBatchNorm2d and set(twin.state_dict()) == set(model.state_dict())
    x = torch.randn(5, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    for made in (model, twin):
        made(x).square().mean().backward()
    assert_same(model, twin)
    torch.testing.assert_close(twin.eval()(x), model.eval()(x))
    before = {name: tensor.clone() for name, tensor in twin.state_dict().items()}
    assert twin.train()(x[:0]).shape == (0, 4, 6, 4)  # no process has a picture
    assert all(torch.equal(tensor, before[name]) for name, tensor in twin.state_dict().items())


def assert_same(model: nn.Module, twin: nn.Module) -> None:
    for (name, tensor), other in zip(model.state_dict().items(), twin.state_dict().values(), strict=True):
        torch.testing.assert_close(other, tensor, msg=lambda text, n=name: f"{n}: {text}")
    for parameter, other in zip(model.parameters(), twin.parameters(), strict=True):
        assert parameter.grad is not None and other.grad is not None
        torch.testing.assert_close(other.grad, parameter.grad, rtol=1e-4, atol=1e-6)
