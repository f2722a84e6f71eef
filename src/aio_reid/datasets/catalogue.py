"""The data sets that can be read, by name, and those that are refused; what there is to know of each: `entries.py`."""

from __future__ import annotations

import re
from pathlib import Path

from aio_reid.datasets.entries import ENTRIES, DatasetEntry
from aio_reid.errors import ConfigError, DataError

CATALOGUE: dict[str, DatasetEntry] = {entry.name: entry for entry in ENTRIES}

_DUKE = "recorded students in ways that its ethics board had not approved; its authors withdrew it in 2019"
_FROM_DUKE = f"is made of DukeMTMC, which {_DUKE}"
_CELEBRITIES = "gathered faces without asking the people; Microsoft withdrew it in 2019"
WITHDRAWN: dict[str, str] = {
    "Duke": _DUKE,
    "DukeMTMC": _DUKE,
    "DukeMTMC-reID": _FROM_DUKE,
    "DukeMTMC4ReID": _FROM_DUKE,
    "DukeMTMC-VideoReID": _FROM_DUKE,
    "DukeMTMC-attribute": _FROM_DUKE,
    "Duke-attribute": _FROM_DUKE,
    "Occluded-Duke": _FROM_DUKE,
    "Occluded-DukeMTMC": _FROM_DUKE,
    "P-DukeMTMC-reID": _FROM_DUKE,
    "MS-Celeb": _CELEBRITIES,
    "MS-Celeb-1M": _CELEBRITIES,
    "MS1M": _CELEBRITIES,
}
"""Data sets that nobody should use any more -> why. There is no parser for them, and there will be none."""


def find_dataset(name: str) -> DatasetEntry:
    """Return the data set of that name.

    Raises:
        DataError: it was withdrawn.
        ConfigError: there is none; the message lists those that there are.
    """
    refuse_withdrawn(name)
    if name not in CATALOGUE:
        raise ConfigError(f"unknown data set {name!r}; choose one of: {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def refuse_withdrawn(name: str) -> None:
    """Do nothing, unless a data set of that name was withdrawn.

    Raises:
        DataError: it was; the message says why, and lists those that there are.
    """
    for withdrawn, reason in WITHDRAWN.items():
        if _plain(name) == _plain(withdrawn):
            raise DataError(f"{withdrawn} is not read: it {reason}; choose one of: {', '.join(CATALOGUE)}")


def find_available(root: Path) -> dict[str, Path]:
    """Return the folders below `root` that are called as a data set's folder is: name of the data set -> folder.

    No more is looked for in them than what tells two sets in folders of one name apart: `verify` does the rest.

    Raises:
        DataError: `root` is no folder.
    """
    if not root.is_dir():
        raise DataError(f"{root} is no folder; give the one that holds the folders of the data sets")
    found = {}
    for entry in CATALOGUE.values():
        folders = [root / folder for folder in entry.folders if (root / folder / (entry.marker or "")).is_dir()]
        if folders:
            found[entry.name] = folders[0]
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
