"""Where a result comes from: commit, versions, configuration, seed, hardware; stored beside results and checkpoints."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from aio_reid import __version__
from aio_reid.storage import file_content

PACKAGES: tuple[str, ...] = (
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "pillow",
    "opencv-python-headless",
    "tokenizers",
    "safetensors",
    "accelerate",
    "open_clip_torch",
)
GIT_TIMEOUT_S = 10.0


def hash_json(value: object) -> str:
    """Return the sha256 (hex) of a JSON value in canonical form: sorted keys, no spaces, UTF-8.

    Raises:
        TypeError, ValueError: when the value is not plain JSON, or holds a number that is not finite.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Return the sha256 (hex) of a file's bytes.

    Raises:
        OSError: when the file cannot be read.
    """
    return file_content(path).hex()


def collect_provenance(config: Mapping[str, object] | None = None, seed: int | None = None) -> dict[str, object]:
    """Return a plain JSON dict that says what made a result.

    Keys: `version` (of this package), `commit` (hex, or None outside a checkout), `dirty` (tracked files differ from
    the commit; None outside a checkout), `python`, `versions` (package -> version, None where it is not installed),
    `config_sha256` (of the canonical JSON, or None), `seed`, `hardware` (see `describe_hardware`), `time_utc` (ISO).

    Raises:
        TypeError, ValueError: when the configuration is not plain JSON.
    """
    commit, dirty = find_commit()
    return {
        "version": __version__,
        "commit": commit,
        "dirty": dirty,
        "python": platform.python_version(),
        "versions": {name: package_version(name) for name in PACKAGES},
        "config_sha256": None if config is None else hash_json(dict(config)),
        "seed": seed,
        "hardware": describe_hardware(),
        "time_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def package_version(name: str) -> str | None:
    """Return the installed version of a distribution without importing it, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def find_commit() -> tuple[str | None, bool | None]:
    """Return the commit of the checkout that this file belongs to and whether tracked files differ from it.

    (None, None) when the package is installed elsewhere: a virtual environment may lie inside somebody else's checkout,
    whose commit would say nothing about this code.
    """
    if _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None, None
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return commit, None if changes is None else bool(changes)


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def describe_hardware() -> dict[str, object]:
    """Return `cpu` (model name), `cores` (usable by this process), `memory_gib` and `gpu` (name or None)."""
    pages, page_size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _read_field(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "cores": usable_cores(),
        "memory_gib": round(pages * page_size / 2**30, 1),
        "gpu": _gpu_name(),
    }


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpu_name() -> str | None:
    # torch is asked only where the run has imported it already: provenance never costs its start.
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return _read_field(cards[0], "Model") if cards else None


def _read_field(path: Path, name: str) -> str | None:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None
