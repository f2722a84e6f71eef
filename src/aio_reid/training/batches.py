"""The batches of a run, from any position on, made by processes whose mistakes are still one line."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch.utils.data import DataLoader, Dataset

from aio_reid.config import RunConfig
from aio_reid.data.lookalikes import Lookalikes
from aio_reid.data.mixed_batches import build_batches, count_epoch_batches
from aio_reid.data.samplers import BatchSettings, TupleKey
from aio_reid.data.sources import IdentityGroup
from aio_reid.data.tuples import TrainingTuple, TupleBatch, TupleDataset, collate
from aio_reid.errors import AioError, ConfigError
from aio_reid.provenance import usable_cores
from aio_reid.training.processes import ALONE, Processes
from aio_reid.training.state import RunPosition

MOST_WORKERS = 8
"""Processes that load pictures for a GPU, where nobody says how many."""


def count_steps(config: RunConfig, groups: Sequence[IdentityGroup]) -> int:
    """Return how many steps the run has: epochs times batches, or the step cap where that is lower.

    Raises:
        DataError: fewer identities than one batch needs, of all or of one source.
    """
    steps = config.optim.max_epochs * count_epoch_batches(groups, config.data.num_identities)
    return min(steps, config.optim.max_steps) if config.optim.max_steps else steps


def check_shares(config: RunConfig, processes: Processes) -> None:
    """Refuse a batch that the processes cannot share evenly.

    Raises:
        ConfigError: tuples are left over.
    """
    num_tuples = config.data.num_identities * config.data.tuples_per_identity
    if num_tuples % processes.count:
        raise ConfigError(
            f"a batch of {num_tuples} tuples cannot be shared evenly by {processes.count} processes; start another "
            "number of them, or change data.num_identities"
        )


def count_workers(config: RunConfig, processes: Processes) -> int:
    """Return how many processes load pictures for each process of the run: what the configuration says, else none on a
    CPU, and for a GPU this process's share of the cores of its machine, where torchrun says how many share them.
    """
    if config.data.num_workers is not None:
        return config.data.num_workers
    if processes.device.type == "cpu":
        return 0
    here = int(os.environ.get("LOCAL_WORLD_SIZE", processes.count))
    return max(1, min(MOST_WORKERS, usable_cores() // here))


def iterate_batches(
    config: RunConfig, dataset: TupleDataset, start: RunPosition, total: int, processes: Processes = ALONE
) -> Iterator[tuple[TupleBatch | AioError, RunPosition]]:
    """Yield this process's share of the batches up to step `total`, each with the position after it, or the error that
    kept one from being made.

    What random draws a batch holds depends on (seed, epoch, place) alone, and not on who makes which part of it.
    Worker processes live as long as the run: what they remember, and what they made ahead, outlives an epoch. Without
    any, the calling thread makes the next batch when it is wanted: where all cores compute the step, a worker would
    take the time from one of them, and the others would wait for it after every layer. Several threads are no faster
    than one, they take Python's lock from each other (benchmarks/training.md).
    """
    keys = _Keys(config, dataset, start, total, processes)
    loader = DataLoader(
        _ErrorsAsValues(dataset),
        batch_sampler=keys,
        collate_fn=_collate,
        num_workers=count_workers(config, processes),
        worker_init_fn=_one_thread,
    )
    for batch in loader:
        yield batch, keys.positions.popleft()


class _Keys:
    """What each batch of the run is made of, epoch after epoch; `positions` are those of the batches handed out, in
    order.
    """

    def __init__(
        self, config: RunConfig, dataset: TupleDataset, start: RunPosition, total: int, processes: Processes
    ) -> None:
        self.positions: deque[RunPosition] = deque()
        self._config, self._labels, self._groups = config, dataset.labels, dataset.groups
        alike = config.data.lookalikes
        self._lookalikes = Lookalikes(dataset.tags.of, alike) if alike > 1 and dataset.tags is not None else None
        self._start, self._total, self._processes = start, total, processes

    def __iter__(self) -> Iterator[list[TupleKey]]:
        step, skip, epoch = self._start.step, self._start.batch, self._start.epoch
        while step < self._total:
            for place, batch in enumerate(self._epoch(epoch, skip), start=skip + 1):
                step += 1
                self.positions.append(RunPosition(step=step, epoch=epoch, batch=place))
                size = len(batch) // self._processes.count
                yield batch[size * self._processes.index : size * (self._processes.index + 1)]
                if step == self._total:
                    return
            epoch, skip = epoch + 1, 0

    def _epoch(self, epoch: int, skip: int) -> Iterable[list[TupleKey]]:
        settings = BatchSettings(
            num_identities=self._config.data.num_identities,
            tuples_per_identity=self._config.data.tuples_per_identity,
            seed=self._config.seed,
            epoch=epoch,
            skip=skip,
        )
        return build_batches(self._labels, self._groups, settings, lookalikes=self._lookalikes)


class _ErrorsAsValues(Dataset[TrainingTuple | AioError]):
    """Hands on what is wrong with a tuple as a value: torch would put a worker's whole traceback into its message."""

    def __init__(self, tuples: TupleDataset) -> None:
        self._tuples = tuples

    def __getitem__(self, key: TupleKey) -> TrainingTuple | AioError:
        try:
            return self._tuples[key]
        except AioError as error:
            return error


def _collate(made: Sequence[TrainingTuple | AioError]) -> TupleBatch | AioError:
    errors = [item for item in made if isinstance(item, AioError)]
    return errors[0] if errors else collate([item for item in made if isinstance(item, TrainingTuple)])


def _one_thread(_worker: int) -> None:
    torch.set_num_threads(1)
