"""The batches of a run, from any position on, made by worker processes whose mistakes are still one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import DataLoader, Dataset

from aio_reid.config import RunConfig
from aio_reid.data.mixed_batches import build_batches, count_epoch_batches
from aio_reid.data.samplers import TupleKey
from aio_reid.data.sources import IdentityGroup
from aio_reid.data.tuples import TrainingTuple, TupleBatch, TupleDataset, collate
from aio_reid.errors import AioError
from aio_reid.training.state import RunPosition


def count_steps(config: RunConfig, groups: Sequence[IdentityGroup]) -> int:
    """Return how many steps the run has: epochs times batches, or the step cap where that is lower.

    Raises:
        DataError: fewer identities than one batch needs, of all or of one source.
    """
    steps = config.optim.max_epochs * count_epoch_batches(groups, config.data.num_identities)
    return min(steps, config.optim.max_steps) if config.optim.max_steps else steps


def iterate_batches(
    config: RunConfig, dataset: TupleDataset, start: RunPosition, total: int
) -> Iterator[tuple[TupleBatch | AioError, RunPosition]]:
    """Yield batches up to step `total`, each with the position after it, or the error that kept one from being made.

    What random draws a batch holds depends on (seed, epoch, place) alone.
    """
    step, skip, epoch = start.step, start.batch, start.epoch
    while step < total:
        batches = build_batches(
            dataset.labels,
            dataset.groups,
            num_identities=config.data.num_identities,
            tuples_per_identity=config.data.tuples_per_identity,
            seed=config.seed,
            epoch=epoch,
            skip=skip,
        )
        loader = DataLoader(
            _ErrorsAsValues(dataset),
            batch_sampler=batches,
            collate_fn=_collate,
            num_workers=config.data.num_workers,
            worker_init_fn=_one_thread,
        )
        for place, batch in enumerate(loader, start=skip + 1):
            step += 1
            yield batch, RunPosition(step=step, epoch=epoch, batch=place)
            if step == total:
                return
        epoch, skip = epoch + 1, 0


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
