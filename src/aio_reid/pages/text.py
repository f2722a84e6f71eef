"""Text of others, made safe to show."""

from __future__ import annotations

import os
from pathlib import Path


def shown(value: str | Path, *, only_name: bool = False) -> str:
    """Return a text or path that is safe to show: what is no UTF-8 and control characters become visible marks."""
    text = str(value)
    if isinstance(value, Path):
        text = os.fsencode(value.name if only_name else value).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
