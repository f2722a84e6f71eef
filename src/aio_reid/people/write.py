"""Synthetic people as files: pictures in a folder per modality, and a Parquet manifest that is written last.

Drawing may be stopped at any moment; the same call goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import partial
from io import BytesIO
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from aio_reid.errors import DataError, StorageError
from aio_reid.people.facts import visible_attributes
from aio_reid.people.plan import PeoplePlan, Shot, Splits, ViewCounts, draw_shot, tell_shot
from aio_reid.progress import SILENT, Progress, Task
from aio_reid.records import Modality

__all__ = ["PeoplePlan", "Splits", "ViewCounts", "write_people"]

GENERATOR_VERSION = 2
"""Rises whenever the same seed draws something else, so that one folder never mixes both."""
MANIFEST_NAME, SETTINGS_NAME = "manifest.parquet", "settings.json"

_JPEG_QUALITY = 92
_PEOPLE_PER_JOB = 8
_JPEG_END = b"\xff\xd9"
_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("path", "caption", "person", "camera", "modality", "split", "source")]
    + [("attributes", pa.list_(pa.string()))]
)


def write_people(
    out: Path,
    *,
    identities: int,
    seed: int = 0,
    views: ViewCounts = ViewCounts(),  # noqa: B008 frozen
    size: tuple[int, int] = (256, 128),
    splits: Splits = Splits(),  # noqa: B008 frozen
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Draw people into a folder and return the path of its manifest.

    Args:
        out: a new or empty folder, or one that an interrupted call with the same settings left.
        size: (height, width) of the pictures in pixels.
        workers: processes; all processors when None. Above 1 the calling script needs its `__main__` guard.
        progress: is told of every picture.

    Raises:
        DataError: `out` holds something else, or people of other settings; or the counts make no set.
        StorageError: a file cannot be written, e.g. the disk is full; what is drawn is kept.
    """
    plan = PeoplePlan(identities, seed, views, size, splits)
    try:
        _claim(out, plan)
        _draw_all(out, plan, workers or os.cpu_count() or 1, progress)
        return _write_manifest(out, plan)
    except OSError as error:
        remedy = "mend that and run the same command again, what is drawn is kept"
        raise StorageError(f"cannot write into {str(out)!r}: {error.strerror or error}; {remedy}") from error


def _claim(out: Path, plan: PeoplePlan) -> None:
    """Make the folder ours, or check that it is."""
    settings_path = out / SETTINGS_NAME
    wanted = json.dumps({"generator": GENERATOR_VERSION, **asdict(plan)}, indent=1)
    if out.exists() and not out.is_dir():
        raise DataError(f"{str(out)!r} is a file; name a new folder")
    if not settings_path.exists():
        if out.exists() and any(entry.suffix != ".part" for entry in out.iterdir()):
            raise DataError(f"{str(out)!r} is not empty and holds no synthetic people; name a new folder")
        out.mkdir(parents=True, exist_ok=True)
        store_bytes(settings_path, wanted.encode())
        return
    found = settings_path.read_text(encoding="utf-8", errors="replace")
    if found != wanted:
        other = _difference(found, wanted)
        raise DataError(f"{str(out)!r} holds people of other settings ({other}); name a new folder or delete it")


def _difference(found: str, wanted: str) -> str:
    try:
        before, now = json.loads(found), json.loads(wanted)
    except json.JSONDecodeError:
        return f"{SETTINGS_NAME} is damaged"
    if not isinstance(before, dict):
        return f"{SETTINGS_NAME} is damaged"
    name = next((key for key in now if before.get(key) != now[key]), "settings")
    return f"{name}: {json.dumps(before.get(name))} there, {json.dumps(now.get(name))} asked for"


def _draw_all(out: Path, plan: PeoplePlan, workers: int, progress: Progress) -> None:
    for modality in Modality:
        if modality.is_visual:
            (out / modality.value).mkdir(exist_ok=True)
            for rest in (out / modality.value).glob("*.part"):
                rest.unlink(missing_ok=True)
    missing = [n for n in range(plan.identities) if not all(_is_whole(out / s.path) for s in _pictures(plan, n))]
    jobs = (missing[n : n + _PEOPLE_PER_JOB] for n in range(0, len(missing), _PEOPLE_PER_JOB))
    total = sum(len(_pictures(plan, n)) for n in missing)
    with progress.task("Drawing people", total=total, unit="pictures") as task:
        if workers == 1 or len(missing) <= _PEOPLE_PER_JOB:
            for job in jobs:
                task.advance(_draw_people(out, plan, job))
        else:
            _draw_in_processes(partial(_draw_people, out, plan), jobs, workers, task)


def _draw_in_processes(draw: partial[int], jobs: Iterator[list[int]], workers: int, task: Task) -> None:
    # "spawn", because a fork of a process that has run torch or OpenCV threads may hang.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
    try:
        running: set[Future[int]] = {pool.submit(draw, job) for job in islice(jobs, 3 * workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task.advance(future.result())
            running |= {pool.submit(draw, job) for job in islice(jobs, len(done))}
    except BrokenProcessPool:
        raise StorageError(
            "a drawing process was ended from outside, perhaps for lack of memory; run again with fewer workers"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted and ends its workers
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker when the parent was killed: the pool's queues would let it wait for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _draw_people(out: Path, plan: PeoplePlan, indices: list[int]) -> int:
    """Draw what is missing of some people; return the number of their pictures."""
    count = 0
    for index in indices:
        identity = plan.identity(index)
        for shot in _pictures(plan, index):
            count += 1
            path = out / shot.path
            if _is_whole(path):
                continue
            buffer = BytesIO()
            Image.fromarray(draw_shot(shot, identity, plan.size)).save(
                buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0
            )
            store_bytes(path, buffer.getvalue())
    return count


def _pictures(plan: PeoplePlan, index: int) -> list[Shot]:
    return [shot for shot in plan.shots(index) if shot.modality.is_visual]


def _is_whole(path: Path) -> bool:
    """Return whether a JPEG is there to its last byte: a crash of the machine may leave an empty file of that name."""
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < len(_JPEG_END):
                return False
            file.seek(-len(_JPEG_END), os.SEEK_END)
            return file.read() == _JPEG_END
    except FileNotFoundError:
        return False


def _write_manifest(out: Path, plan: PeoplePlan) -> Path:
    rows = [row for index in range(plan.identities) for row in _rows(plan, index)]
    columns = {name: [row[name] for row in rows] for name in _SCHEMA.names}
    buffer = BytesIO()
    pq.write_table(pa.table(columns, schema=_SCHEMA), buffer, compression="zstd")
    store_bytes(out / MANIFEST_NAME, buffer.getvalue())
    return out / MANIFEST_NAME


def _rows(plan: PeoplePlan, index: int) -> Iterator[dict[str, str | list[str] | None]]:
    identity = plan.identity(index)
    facts = list(visible_attributes(identity))
    for shot in plan.shots(index):
        caption = None if shot.modality.is_visual else tell_shot(shot, identity)
        yield {
            "path": shot.path if shot.modality.is_visual else None,
            "caption": caption.text if caption else None,
            "person": shot.person_id,
            "camera": shot.camera_id,
            "modality": shot.modality.value,
            "split": shot.split.value,
            "source": None,
            "attributes": list(caption.attributes) if caption else facts if shot.modality is Modality.RGB else None,
        }


def store_bytes(path: Path, content: bytes) -> None:
    """Write a file so that under its name there is never half of it."""
    partial_path = path.with_name(f"{path.name}.part")
    try:
        partial_path.write_bytes(content)
        os.replace(partial_path, path)
    except OSError:
        partial_path.unlink(missing_ok=True)
        raise
