"""The folder of a run: whether it may be used, and that one training at a time uses it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from aio_reid.errors import StorageError, TrainingError
from aio_reid.storage import ExclusiveLock, HeldLock
from aio_reid.training.start import WEIGHTS
from aio_reid.training.state import CHECKPOINT

CONFIG = "config.yaml"
LOCK = ".lock"
PATIENCE_S = 10.0
"""A killed run's loader processes hold its lock for some seconds more, until they see that they are alone."""
UNFINISHED = f".{CHECKPOINT}.*.part"
"""What a process that was killed while it wrote a checkpoint leaves behind."""


class RunFolder:
    """A context in which `path` belongs to this run, once it is `prepare`d; killed, the run lets go of it too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: ExclusiveLock | None = None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.release()

    def prepare(self, settings: dict[str, Any], resume: bool) -> None:
        """Take the folder, for a new run or to go on with the one that it holds.

        Args:
            settings: the run's configuration, kept as config.yaml with a new run.
            resume: go on with a run that the folder holds already.

        Raises:
            TrainingError: the folder holds other files, or a run that is not to go on or that cannot.
            StorageError: the folder cannot be used, or another process trains in it.
        """
        out = self.path
        try:
            out.mkdir(parents=True, exist_ok=True)
            if any(path.name != LOCK for path in out.iterdir()) and not (out / CONFIG).exists():
                raise TrainingError(f"{str(out)!r} holds other files; give a new folder as --out")
            self._lock = ExclusiveLock(out / LOCK, mode=0o666, wait_s=PATIENCE_S)
            self._check_run(resume)
            self._remove_unfinished()
            if not (out / CHECKPOINT).exists():  # else it is not yet known that this is the configuration of the run
                (out / CONFIG).write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        except HeldLock as held:
            raise StorageError(
                f"run folder {str(out)!r} is in use by process {held}, which trains in it; wait until it has ended, or "
                "give another --out"
            ) from None
        except OSError as error:
            raise StorageError(f"run folder {str(out)!r} cannot be used: {error}") from None

    def _check_run(self, resume: bool) -> None:
        out = self.path
        if (out / CHECKPOINT).exists() and not resume:
            raise TrainingError(
                f"{str(out)!r} holds a run already: add --resume to go on with it, or give another --out"
            )
        if (out / WEIGHTS).exists() and not (out / CHECKPOINT).exists():
            raise TrainingError(f"{str(out)!r} holds weights and no checkpoint to go on from; give another --out")

    def _remove_unfinished(self) -> None:
        for path in self.path.glob(UNFINISHED):
            with suppress(OSError):  # it takes space, and does no other harm
                path.unlink()
