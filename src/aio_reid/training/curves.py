"""Figures over steps for TensorBoard, written by the thread that has them.

torch's SummaryWriter writes by a thread of its own: on a full disk that prints a traceback, and what it lost is raised
at a later figure, if at all.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from aio_reid.errors import StorageError


class Curves:
    """Writes a folder for TensorBoard. Its file is made at the first figure: whoever has none leaves none.

    Args:
        folder: may exist already; a run that goes on adds a file.
        first_step: what earlier files have from this step on is no longer shown.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        self._folder = folder
        self._first_step = first_step
        self._file: BinaryIO | None = None

    def add(self, group: str, figures: Mapping[str, float], step: int) -> None:
        """Write figures as "GROUP/NAME"; at return they are in the file, for whoever looks on.

        Raises:
            StorageError: the disk is full or read-only.
        """
        from torch.utils.tensorboard.summary import scalar

        try:
            if self._file is None:
                self._open()
            for name, value in figures.items():
                self._write(step=step, summary=scalar(f"{group}/{name}", value))  # type: ignore[no-untyped-call]
            assert self._file is not None
            self._file.flush()
        except OSError as error:
            raise StorageError(f"{str(self._folder)!r} cannot be written: {error}; free space, then --resume") from None

    def close(self) -> None:
        """Close the file; nothing is left to be written."""
        if self._file is not None:
            with suppress(OSError):  # after an error its buffer is tried again
                self._file.close()

    def _open(self) -> None:
        from torch.utils.tensorboard.writer import SessionLog  # type: ignore[attr-defined]  # tensorboard's

        self._folder.mkdir(parents=True, exist_ok=True)
        now = time.time_ns()
        name = f"events.out.tfevents.{now // 10**9:010d}.{socket.gethostname()}.{os.getpid()}.{now % 10**9}"
        self._file = (self._folder / name).open("wb")
        self._write(file_version="brain.Event:2")
        self._write(step=self._first_step, session_log=SessionLog(status=SessionLog.START))

    def _write(self, **content: Any) -> None:
        from torch.utils.tensorboard import RecordWriter
        from torch.utils.tensorboard.writer import Event  # type: ignore[attr-defined]  # tensorboard's

        RecordWriter(self._file).write(Event(wall_time=time.time(), **content).SerializeToString())
