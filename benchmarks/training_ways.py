"""The ways to make a training step that `benchmarks/training.py` compares, and what each is measured on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from memory import HELD, PEAK, memory_mib
from plain_training import plain_losses

from aio_reid.config import RunConfig, load_config
from aio_reid.data.tuples import TupleBatch, TupleDataset
from aio_reid.people.write import ViewCounts, write_people
from aio_reid.training import run
from aio_reid.training.batches import iterate_batches
from aio_reid.training.launch import usable_precision
from aio_reid.training.loop import _on_device
from aio_reid.training.processes import Processes
from aio_reid.training.sources import load_sources
from aio_reid.training.state import RunPosition
from aio_reid.training.step import make_gradients

ROOT = Path(__file__).resolve().parents[1]
MANY_IDENTITIES, WIDTH, NUM_FEATURES = 312_321, 768, 384
"""SYNTH-PEDES; a ViT-B; six features of 64 tuples."""


@dataclass(frozen=True)
class Way:
    """A way to make a step: overrides of the configuration, or the plain loop."""

    title: str
    overrides: tuple[str, ...] = ()
    is_plain: bool = False


PRECISION = usable_precision("bf16")
"""That of the configurations: bf16, or fp32 where this machine would emulate it."""

_OPTIONS = {
    "checkpointing": ("activation checkpointing", "activation_checkpointing=true"),
    "micro-2": ("2 micro-batches", "optim.micro_batches=2"),
    "micro-4": ("4 micro-batches", "optim.micro_batches=4"),
    "compile": ("compiled blocks", "compile=true"),
}


def ways_in(precision: str) -> dict[str, Way]:
    """Return the ways by name: the plain loop and ours in fp32 and in that precision, and our options in the latter."""
    ways = {}
    for each in dict.fromkeys(("fp32", precision)):
        wanted = f"precision={each}"
        ways[f"plain-{each}"] = Way(f"plain loop, {each}", (wanted,), is_plain=True)
        ways[each] = Way(f"aio-reid, {each}", (wanted,))
    for name, (title, override) in _OPTIONS.items():
        ways[name] = Way(f"aio-reid, {precision}, {title}", (f"precision={precision}", override))
    return ways


WAYS = ways_in(PRECISION)
PLAIN_OF = {name: "plain-" + way.overrides[0].removeprefix("precision=") for name, way in WAYS.items()}


class Trainer:
    """A model, its optimiser and the steps made with them; `step` takes batches on the CPU."""

    def __init__(self, config: RunConfig, dataset: TupleDataset, device: torch.device, *, is_plain: bool) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device, self.is_plain, self.steps = config, device, is_plain, 0
        self.objective = run._objective(config, dataset.num_identities, tags=dataset.tags).to(device).train()
        self.optimizer = run._optimizer(config, self.objective)

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Return the context of the configuration's precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")

    def step(self, batch: TupleBatch) -> None:
        """Make one step as the training loop does, or as the plain loop does."""
        batch = _on_device(batch, self.device)
        self.optimizer.zero_grad(set_to_none=True)
        if self.is_plain:
            with self.autocast():
                total = plain_losses(self.objective, batch, self.steps)
            total.backward()
            leaves = [p for p in self.objective.parameters() if p.requires_grad]
        else:
            parts = self.config.optim.micro_batches
            make_gradients(self.objective, batch, self.steps, micro_batches=parts, autocast=self.autocast)
            leaves = self.objective.leaves()
        torch.nn.utils.clip_grad_norm_(leaves, self.config.optim.clip_norm)
        self.optimizer.step()
        self.steps += 1

    def finish(self) -> None:
        """Wait until the device has done all steps."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def config_of(name: str, manifest: Path, overrides: Iterable[str] = ()) -> RunConfig:
    """Return a shipped configuration on the people of a manifest, its encoder random."""
    fixed = [f"data.manifest={manifest}", "start_from=null", "data.ramp_steps=0", "data.cache=null", "compile=false"]
    if name != "nano-pretrain":
        fixed.append("model.encoder.weights_file=null")
    return load_config(ROOT / "configs" / f"{name}.yaml", (*fixed, *overrides))


def draw(folder: Path, identities: int) -> Path:
    """Draw people with everything a configuration reads; return their manifest. Those drawn already are kept."""
    views = ViewCounts(photos=4, infrared=1, sketches=1, pencils=1, captions=3)
    return write_people(folder / "people", identities=identities, seed=5, views=views, workers=1)


def dataset_of(config: RunConfig) -> TupleDataset:
    """Return the training tuples of a configuration."""
    return run._dataset(config, load_sources(config.data, seed=0))


def real_batches(config: RunConfig, dataset: TupleDataset, count: int, device: str = "cpu") -> Iterator[TupleBatch]:
    """Yield batches from the real pipeline, as a run on that device makes them."""
    for batch, _ in iterate_batches(config, dataset, RunPosition(), count, Processes(device=torch.device(device))):
        if not isinstance(batch, TupleBatch):
            raise SystemExit(f"error: {batch}")
        yield batch


def peak_mib(device: torch.device, work: Callable[[], None]) -> int:
    """Return how much memory the work takes at most, beside what the process, or the device, holds already."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return round((torch.cuda.max_memory_allocated() - before) / 2**20)
    held = memory_mib(HELD)
    work()
    return round(memory_mib(PEAK) - held)


def classifier_step(share: float, device: torch.device) -> Callable[[], None]:
    """Return a step of the identity classifier of SYNTH-PEDES alone: dense under AdamW, or with sampled classes."""
    from aio_reid.losses.identity import identity_loss
    from aio_reid.models.heads import IdentityClassifier, SampledIdentityClassifier
    from aio_reid.training.plan import draw_classes

    labels = torch.arange(NUM_FEATURES, device=device) * 7
    state: dict[str, Any] = {"step": 0}

    def step() -> None:
        features = torch.randn(NUM_FEATURES, WIDTH, device=device)
        if "made" not in state:
            kind = IdentityClassifier if share == 1 else SampledIdentityClassifier
            state["made"] = kind(WIDTH, MANY_IDENTITIES).to(device)
            state["adam"] = torch.optim.AdamW(state["made"].parameters(), lr=1e-3) if share == 1 else None
        made = state["made"]
        if share == 1:
            state["adam"].zero_grad(set_to_none=True)
            identity_loss(made(features), labels, 0.1).backward()
            state["adam"].step()
        else:
            classes = draw_classes(labels, MANY_IDENTITIES, share=share, seed=0, step=state["step"])
            identity_loss(made(features, classes), torch.searchsorted(classes, labels), 0.1).backward()
            made.update(learning_rate=1e-3, weight_decay=0.05)
        state["step"] += 1

    return step
