"""`aio-reid doctor`: is this installation whole, and what does it run on? Nothing leaves the machine."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aio_reid import __version__
from aio_reid.errors import AioError, StorageError, WeightsError
from aio_reid.provenance import PACKAGES, describe_hardware, find_commit, package_version, usable_cores
from aio_reid.weights import PACKAGED, find_weights, hash_weights

UNIT_TOLERANCE = 1e-4
SAME_TOLERANCE = 1e-3
"""How far the vector of one picture may move with what else is in its batch."""
REINSTALL = "install again: make clean install"


@dataclass(frozen=True, slots=True)
class Check:
    """One row: what was looked at, what was found, and, where that is wrong, what to do."""

    name: str
    is_good: bool
    found: str
    remedy: str = ""


def run_checks(cache_folder: Path | None = None) -> list[Check]:
    """Look at everything that a search needs; whatever way a check fails in, it is a row that is not good."""
    steps: list[tuple[str, Callable[[], str], str]] = [
        ("aio-reid", _program, REINSTALL),
        ("python", _python, "use Python 3.11, 3.12 or 3.13"),
        *((name, partial(_package, name), REINSTALL) for name in PACKAGES),
        ("machine", _machine, "the system does not say what it is; nothing needs to be done"),
        ("device", _device, "check the driver of the GPU, or use --device cpu"),
        *((f"weights {name}", partial(_weights, name), REINSTALL) for name in PACKAGED),
        ("cache", partial(_cache, cache_folder), "make that folder writable, or use --cache DIR or --no-cache"),
        ("self-test", self_test, REINSTALL),
    ]
    return [_guarded(*step) for step in steps]


def _guarded(name: str, look: Callable[[], str], remedy: str) -> Check:
    try:
        return Check(name, True, look())
    except AioError as error:
        return Check(name, False, str(error), remedy)
    except Exception as error:  # noqa: BLE001 - the doctor never fails: that a check broke is its finding
        return Check(name, False, " ".join(f"{type(error).__name__}: {error}".split()), remedy)


def _program() -> str:
    commit, dirty = find_commit()
    where = "" if commit is None else f", commit {commit[:12]}{' with changes' if dirty else ''}"
    return f"{__version__}{where}"


def _python() -> str:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise WeightsError(f"Python {platform.python_version()} is not supported")
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _package(name: str) -> str:
    version = package_version(name)
    if version is None:
        raise ModuleNotFoundError(f"{name} is not installed")
    return version


def _machine() -> str:
    hardware = describe_hardware()
    return f"{hardware['cpu']}, {hardware['cores']} cores for this process, {hardware['memory_gib']} GiB of memory"


def _device() -> str:
    import torch

    from aio_reid.api import usable_device

    threads = f"{torch.get_num_threads()} threads on {usable_cores()} cores"
    if not torch.cuda.is_available():
        return f"cpu, {threads}; no GPU that torch can use"
    usable_device(None)
    return f"{torch.cuda.get_device_name()} ({torch.cuda.get_device_capability()}); cpu {threads}"


def _weights(name: str) -> str:
    path = find_weights(name)
    card = path.with_suffix(".md")
    if not card.is_file():
        raise WeightsError(f"the card of {name!r} is missing beside its weights")
    return f"{path.stat().st_size / 1e6:.1f} MB, sha256 {hash_weights(path)[:16]}, card {card.name}"


def _cache(folder: Path | None) -> str:
    from aio_reid.gallery.cache import default_cache_folder, open_cache

    place = default_cache_folder() if folder is None else folder.expanduser()
    exists = next(parent for parent in (place, *place.absolute().parents) if parent.exists())
    if not exists.is_dir() or not os.access(exists, os.W_OK):
        raise StorageError(f"cache folder {str(place)!r} is not writable")
    if place.is_dir():
        with tempfile.TemporaryFile(dir=place):
            pass  # on some systems only writing tells
    cache = open_cache(place, make=False)
    stats = cache.stats()
    if cache.warnings:
        raise StorageError(cache.warnings[0])
    if cache.folder is None:
        return f"{place} (made at the first search)"
    return f"{place}: {stats.num_embeddings} embeddings, {stats.size_bytes / 1e6:.1f} MB"


def self_test(weights: str = PACKAGED[0]) -> str:
    """Draw two synthetic people, embed them in every modality, and check what must hold for any weights.

    Every vector has unit length; a picture has the same vector alone and in a batch; two people have different vectors.

    Raises:
        WeightsError: when one of these does not hold, or the weights cannot be loaded.
    """
    import numpy as np

    from aio_reid.api import AIO
    from aio_reid.people.plan import PeoplePlan, ViewCounts, draw_shot, tell_shot
    from aio_reid.records import Modality

    plan = PeoplePlan(identities=2, seed=0, views=ViewCounts(1, 1, 1, 1, 1))
    people = [plan.identity(index) for index in (0, 1)]
    model = AIO.load(weights, "cpu")
    known = [
        {
            shot.modality: draw_shot(shot, person, plan.size)
            if shot.modality.is_visual
            else tell_shot(shot, person).text
            for shot in plan.shots(index)
            if shot.modality in model.model.modalities
        }
        for index, person in enumerate(people)
    ]
    together = model.embed([known[0][Modality.RGB], known[1][Modality.RGB], *known])
    alone = model.embed([known[0][Modality.RGB]])
    lengths = np.linalg.norm(together, axis=1)
    if not np.allclose(lengths, 1.0, atol=UNIT_TOLERANCE):
        raise WeightsError(f"embeddings have lengths {lengths.min():.4f} to {lengths.max():.4f} instead of 1")
    moved = float(np.abs(together[0] - alone[0]).max())
    if moved > SAME_TOLERANCE:
        raise WeightsError(f"the same picture moved by {moved:.4f} in another batch")
    if float(together[0] @ together[1]) > 1 - SAME_TOLERANCE:
        raise WeightsError("two different people have the same vector")
    return (
        f"{len(together)} inputs of {len(known[0])} modalities embedded; lengths, repetition and difference are right"
    )
