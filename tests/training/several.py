"""Runs `train` in several real processes that talk by gloo, as torchrun would start them."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as multiprocessing

from aio_reid.config import RunConfig
from aio_reid.errors import AioError


@dataclass(frozen=True)
class Job:
    """One call of `train`."""

    config: RunConfig
    out: Path
    resume: bool = False


def train_in_processes(jobs: list[Job], count: int) -> list[list[str]]:
    """Return for each job what each process said: "" after a finished run, else the line of its error.

    The processes are started once, because that takes longer than a small run.
    """
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    workers = [context.Process(target=_train, args=(rank, count, port, jobs, told)) for rank in range(count)]
    for worker in workers:
        worker.start()
    said = dict(told.get(timeout=900) for _ in workers)
    for worker in workers:
        worker.join(timeout=60)
    return [[said[rank][number] for rank in range(count)] for number in range(len(jobs))]


def _train(rank: int, count: int, port: int, jobs: list[Job], told: Any) -> None:
    places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    os.environ.update({name: str(value) for name, value in places.items()})
    os.environ.update({"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"})
    torch.set_num_threads(1)
    from aio_reid.training.run import train

    said = []
    for job in jobs:
        try:
            train(job.config, job.out, resume=job.resume)
            said.append("")
        except AioError as error:
            said.append(f"{type(error).__name__}: {error}")
    told.put((rank, said))
