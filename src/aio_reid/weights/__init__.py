"""The weights that come with the package, and how weights are named on the command line. No torch in here."""

from __future__ import annotations

import hashlib
import json
import struct
from importlib import resources
from pathlib import Path

from aio_reid.errors import WeightsError

PACKAGED = ("aio-nano",)
_LONGEST_HEADER = 100_000_000


def find_weights(name: str | Path) -> Path:
    """Return the file of packaged weights by their name, or of a path as given.

    Raises:
        WeightsError: neither a packaged name nor an existing file.
    """
    if str(name) in PACKAGED:
        path = Path(str(resources.files(__package__).joinpath(f"{name}.safetensors")))
        if not path.is_file():
            raise WeightsError(f"packaged weights {str(name)!r} are missing from this installation; reinstall aio-reid")
        return path
    path = Path(name).expanduser()
    if path.is_dir():
        raise WeightsError(f"weights {str(name)!r} are a folder; give the .safetensors file in it")
    if not path.is_file():
        raise WeightsError(
            f"weights {str(name)!r} not found; give {', '.join(PACKAGED)} or a .safetensors file of aio-reid"
        )
    return path


def preferred_fusion(path: Path) -> str:
    """Return "early" or "late": which of both did better on validation people when the weights were trained. Weights
    that do not say are read early (method.md section 4).

    Raises:
        WeightsError: the file cannot be read, or is no safetensors file.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST_HEADER:
                raise ValueError("its header is too long")
            about = json.loads(json.loads(file.read(length)).get("__metadata__", {}).get("about", "{}"))
    except (OSError, ValueError, AttributeError, struct.error) as error:
        raise WeightsError(f"weights {str(path)!r} cannot be read: {error}") from None
    return "late" if isinstance(about, dict) and about.get("fusion") == "late" else "early"


def hash_weights(path: Path) -> str:
    """Return the sha256 (hex) of a weights file: what embeddings are keyed by.

    Raises:
        WeightsError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"weights {str(path)!r} cannot be read: {error}") from None
