"""The record of one evaluation: its scores and all that is needed to judge and repeat them, as one JSON file."""

from __future__ import annotations

import json
import math
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aio_reid.errors import StorageError
from aio_reid.evaluation.scores import ProtocolScores, RetrievalScores
from aio_reid.records import Record

KIND = "evaluation"


@dataclass(frozen=True)
class EvaluationRecord:
    """One evaluation.

    Attributes:
        scores: what the protocol returned.
        dataset: the name of the data set, as its records carry it.
        counts: records by split and modality, e.g. {"query/sketch": 90}, and "persons".
        weights: the name that the weights were loaded by; `weights_hash` is their sha256 (hex).
        model: the model's configuration as plain data.
        seed: of the protocol's draws; None where it draws nothing.
        command: the command that repeats it, without paths of this machine.
        seconds: from the loaded model to the last score.
        provenance: see `provenance.collect_provenance`.
    """

    scores: ProtocolScores
    dataset: str
    counts: Mapping[str, int]
    weights: str
    weights_hash: str
    model: Mapping[str, object]
    seed: int | None
    command: str
    seconds: float
    provenance: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        """Return plain data; scores are fractions, and a value that no query gave is null."""
        return {
            "kind": KIND,
            "protocol": {"name": self.scores.protocol, "version": self.scores.version},
            "dataset": {"name": self.dataset, "counts": dict(self.counts)},
            "weights": {"name": self.weights, "sha256": self.weights_hash},
            "model": dict(self.model),
            "seed": self.seed,
            "tasks": [{"task": t.task, "fusion": t.fusion, **scores_to_json(t.scores)} for t in self.scores.tasks],
            "left_out": dict(self.scores.left_out),
            "command": self.command,
            "seconds": round(self.seconds, 2),
            "provenance": dict(self.provenance),
        }


def scores_to_json(scores: RetrievalScores) -> dict[str, object]:
    """Return scores with counts and the values of every query, in the order of the queries, rounded to 6 digits."""
    return {
        "rank": {str(k): value for k, value in scores.rank.items()},
        "mAP": scores.mAP,
        "mINP": scores.mINP,
        "num_queries": scores.num_queries,
        "num_scored": scores.num_scored,
        "num_without_match": scores.num_without_match,
        "num_gallery": scores.num_gallery,
        "per_query": {
            "first_match": [int(rank) or None for rank in scores.first_match],
            "average_precision": [_number(value) for value in scores.average_precision],
            "inverse_penalty": [_number(value) for value in scores.inverse_penalty],
        },
    }


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write plain data as JSON, lists on one line; the old file stays whole until the new one is.

    Raises:
        StorageError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(_format(content) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StorageError(
            f"cannot write the result {path}: {error.strerror or error}; choose another place"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def count_records(records: Iterable[Record]) -> dict[str, int]:
    """Return how many records each split and modality holds, and how many persons there are."""
    listed = list(records)
    counts = Counter(f"{record.split.value}/{record.modality.value}" for record in listed)
    return {"persons": len({record.person_id for record in listed}), **dict(sorted(counts.items()))}


def describe_command(arguments: Sequence[str]) -> str:
    """Return a command line (program first) that others can repeat: absolute paths become relative, or only a name."""
    program, *rest = arguments or [""]
    name = "aio-reid" if Path(program).name == "__main__.py" else Path(program).name
    return shlex.join([name, *(_portable(argument) for argument in rest)])


def _portable(argument: str) -> str:
    option, equals, value = argument.rpartition("=")
    if not os.path.isabs(value):
        return argument
    relative = os.path.relpath(value)
    far = relative.startswith(os.path.join(os.pardir, os.pardir))
    return option + equals + (Path(value).name if far else relative)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)


def _format(value: object, indent: str = "") -> str:
    if not isinstance(value, Mapping) and not (isinstance(value, list) and any(isinstance(v, Mapping) for v in value)):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = indent + "  "
    if isinstance(value, Mapping):
        lines = [f"{inner}{json.dumps(str(key))}: {_format(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}" if lines else "{}"
    return "[\n" + ",\n".join(inner + _format(item, inner) for item in value) + f"\n{indent}]"
