"""Runs `train` in several real processes that talk by gloo, as torchrun would start them."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as multiprocessing

from aio_reid.config import RunConfig
from aio_reid.errors import AioError


def train_in_processes(config: RunConfig, out: Path, count: int, *, resume: bool = False) -> list[str]:
    """Return what each process said: "" after a finished run, else the line of its error."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    settings = config.model_dump(mode="json")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    workers = [
        context.Process(target=_train, args=(rank, count, port, settings, str(out), resume, told))
        for rank in range(count)
    ]
    for worker in workers:
        worker.start()
    said = dict(told.get(timeout=240) for _ in workers)
    for worker in workers:
        worker.join(timeout=60)
    return [said[rank] for rank in range(count)]


def _train(rank: int, count: int, port: int, settings: dict[str, Any], out: str, resume: bool, told: Any) -> None:
    places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    os.environ.update({name: str(value) for name, value in places.items()})
    os.environ.update({"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"})
    torch.set_num_threads(1)
    from aio_reid.training.run import train

    try:
        train(RunConfig.model_validate(settings), Path(out), resume=resume)
        told.put((rank, ""))
    except AioError as error:
        told.put((rank, f"{type(error).__name__}: {error}"))
