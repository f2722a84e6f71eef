"""Evaluation files on disk, and which of two sides belong together: same protocol, version, split and seed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aio_reid.errors import DataError
from aio_reid.evaluation.record import KIND

Result = Mapping[str, Any]
"""An evaluation file as plain data."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation file, and what must agree before its numbers may be compared with others.

    Attributes:
        place: the file, for messages.
        dataset: the data set's name without the counts of a partial copy.
        seeds: of the protocol's draws, which ask other queries with another seed; none where it draws nothing.
    """

    place: str
    result: Result
    protocol: str
    version: str
    dataset: str
    split: str
    seeds: tuple[int, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What matched evaluations share."""
        return (self.protocol, self.version, self.split, self.seeds)

    @property
    def name(self) -> str:
        """Data set and protocol."""
        return f"{self.dataset}, {self.protocol}"


def read_evaluations(place: Path) -> list[Evaluation]:
    """Read one evaluation file, or all that lie in a folder and its subfolders, by name.

    Raises:
        DataError: a file cannot be read or lacks something, or there is no evaluation.
    """
    files = sorted(place.rglob("*.json")) if place.is_dir() else [place]
    found = []
    for file in files:
        content = _read_json(file)
        if isinstance(content, dict) and content.get("kind") == KIND:
            found.append(_identify(file, content))
    if not found:
        raise DataError(f"{place} holds no evaluation; give a file that `aio-reid evaluate --out` wrote, or a folder")
    return found


def match_evaluations(
    a: Sequence[Evaluation], b: Sequence[Evaluation]
) -> tuple[list[tuple[Evaluation, Evaluation]], list[str], list[str]]:
    """Return the pairs of the same protocol, version, split and seed, and the names of what only one side holds.

    Where a side holds several of these (two data sets whose pictures have the same names), those of one name pair up.

    Raises:
        DataError: a side holds one evaluation twice; two that should pair up, being of one protocol and data set,
            differ in version, split or seed; or nothing pairs up.
    """
    keys = Counter(one.key for one in a), Counter(one.key for one in b)
    # A folder that was renamed is still the same data; its name counts only where a side holds that split twice.
    twice = {key for side in keys for key, number in side.items() if number > 1}
    of_a, of_b = _by_key(a, twice), _by_key(b, twice)
    pairs = [(one, of_b[key]) for key, one in of_a.items() if key in of_b]
    only_a = [one for key, one in of_a.items() if key not in of_b]
    only_b = [one for key, one in of_b.items() if key not in of_a]
    rivals = [(x, y) for x in only_a for y in only_b if (x.protocol, x.dataset) == (y.protocol, y.dataset)]
    if not pairs and not rivals:
        rivals = [(x, y) for x in only_a for y in only_b if x.protocol == y.protocol] or [(only_a[0], only_b[0])]
    if rivals:
        raise DataError(_explain(*rivals[0]))
    return pairs, [one.name for one in only_a], [one.name for one in only_b]


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{file}: {error.strerror or error}; evaluate first, or correct the name") from error
    except ValueError as error:
        raise DataError(f"{file} is not a JSON file ({error}); evaluate anew, or take it out of the folder") from error


def _identify(file: Path, result: Result) -> Evaluation:
    try:
        repeated = result.get("suite", {}).get("seeds", [])  # a run of several seeds lists them all
        return Evaluation(
            place=str(file),
            result=result,
            protocol=str(result["protocol"]["name"]),
            version=str(result["protocol"]["version"]),
            dataset=str(result["dataset"]["name"]).split(" (")[0],
            split=str(result["dataset"]["split_sha256"]),
            seeds=tuple(repeated) or (() if result["seed"] is None else (result["seed"],)),
        )
    except (KeyError, TypeError) as error:
        raise DataError(f"{file} is an evaluation that lacks {error}; evaluate anew") from error


def _by_key(side: Sequence[Evaluation], twice: Collection[tuple[object, ...]]) -> dict[tuple[object, ...], Evaluation]:
    found: dict[tuple[object, ...], Evaluation] = {}
    for one in side:
        other = found.setdefault((*one.key, one.dataset) if one.key in twice else one.key, one)
        if other is not one:
            raise DataError(
                f"{other.place} and {one.place} are of the same data set, protocol and split; leave one in the folder"
            )
    return found


def _explain(a: Evaluation, b: Evaluation) -> str:
    """Return one line that names the first thing in which two evaluations differ."""
    seeds = [" and ".join(map(str, one.seeds)) or "none" for one in (a, b)]
    pairs = {
        "the protocol is": (a.protocol, b.protocol),
        f"the version of {a.protocol} is": (a.version, b.version),
        f"the test split of {a.protocol} is": (f"{a.split[:12]} ({a.dataset})", f"{b.split[:12]} ({b.dataset})"),
        f"the seed of {a.protocol}, which draws the queries, is": (seeds[0], seeds[1]),
    }
    what, (of_a, of_b) = next((name, values) for name, values in pairs.items() if values[0] != values[1])
    return f"{a.place} and {b.place} cannot be compared: {what} {of_a} here and {of_b} there; evaluate both alike"
