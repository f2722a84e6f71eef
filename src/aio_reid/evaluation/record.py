"""The record of one evaluation: its scores and all that is needed to judge and repeat them, as one JSON file."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aio_reid.errors import StorageError
from aio_reid.evaluation.scores import MeanScores, ProtocolScores, RetrievalScores, TaskScores
from aio_reid.records import Record, Split
from aio_reid.storage import written_whole

KIND = "evaluation"


@dataclass(frozen=True)
class EvaluationRecord:
    """One evaluation.

    Attributes:
        scores: what the protocol returned.
        dataset: the name of the data set, as its records carry it.
        split_hash: see `split_hash`.
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
    split_hash: str
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
            "protocol": {
                "name": self.scores.protocol,
                "version": self.scores.version,
                "gallery": self.scores.gallery,
            },
            "dataset": {"name": self.dataset, "split_sha256": self.split_hash, "counts": dict(self.counts)},
            "weights": {"name": self.weights, "sha256": self.weights_hash},
            "model": dict(self.model),
            "seed": self.seed,
            "tasks": [task_to_json(task) for task in self.scores.tasks],
            "averages": [
                {"name": row.name, "fusion": row.fusion, **_means(row.scores), "num_averaged": row.scores.num_averaged}
                for row in self.scores.averages
            ],
            "left_out": dict(self.scores.left_out),
            "command": self.command,
            "seconds": round(self.seconds, 2),
            "provenance": dict(self.provenance),
        }


def task_to_json(task: TaskScores) -> dict[str, object]:
    """Return one row; of a row with trials, the values of every query stand in its trials only."""
    named: dict[str, object] = {"task": task.task, "fusion": task.fusion}
    if not task.trials:
        return {**named, **scores_to_json(task.scores)}
    return {**named, **_means(task.scores), **_counts(task.scores), "trials": [scores_to_json(t) for t in task.trials]}


def scores_to_json(scores: RetrievalScores) -> dict[str, object]:
    """Return scores with counts and the values of every query, in the order of the queries, rounded to 6 digits."""
    return {
        **_means(scores),
        **_counts(scores),
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
    write_text(path, _format(content) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file; the old one stays whole until the new one is.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as part:
            part.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(
            f"cannot write the result {path}: {error.strerror or error}; choose another place"
        ) from error


def count_records(records: Iterable[Record]) -> dict[str, int]:
    """Return how many records each split and modality holds, and how many persons there are."""
    listed = list(records)
    counts = Counter(f"{record.split.value}/{record.modality.value}" for record in listed)
    return {"persons": len({record.person_id for record in listed}), **dict(sorted(counts.items()))}


def split_hash(*trials: Iterable[Record]) -> str:
    """Return the sha256 (hex) of who and what is asked and searched: the same for the same split, on every machine.

    A record's id is made of split, modality, person, camera, source, and its sentence or the part of its path below the
    folder that all pictures of the trial lie in. Only the splits query and gallery count, and not the order of records.

    Args:
        trials: the records of one split, or of each trial where every trial has its own.
    """
    digest = hashlib.sha256()
    for trial in trials:
        tested = [record for record in trial if record.split in (Split.QUERY, Split.GALLERY)]
        above = _common_folder([record.image_path for record in tested if record.image_path is not None])
        ids = sorted(_record_id(record, above) for record in tested)
        digest.update(("\n".join(ids) + "\n\n").encode())
    return digest.hexdigest()


def describe_command(arguments: Sequence[str]) -> str:
    """Return a command line (program first) that others can repeat: absolute paths become relative, or only a name."""
    program, *rest = arguments or [""]
    name = "aio-reid" if Path(program).name == "__main__.py" else Path(program).name
    return shlex.join([name, *(_portable(argument) for argument in rest)])


def _means(scores: RetrievalScores | MeanScores) -> dict[str, object]:
    rank = {str(k): value for k, value in scores.rank.items()}
    return {"rank": rank, "mAP": scores.mAP, "mINP": scores.mINP}


def _counts(scores: RetrievalScores) -> dict[str, object]:
    return {
        "num_queries": scores.num_queries,
        "num_scored": scores.num_scored,
        "num_without_match": scores.num_without_match,
        "num_gallery": scores.num_gallery,
    }


def _common_folder(pictures: Sequence[Path]) -> int:
    """Return how many leading parts all these paths share, the file's name not counted."""
    folders = [picture.parent.parts for picture in pictures]
    return next(
        (n for n, parts in enumerate(zip(*folders, strict=False)) if len(set(parts)) > 1),
        min(map(len, folders), default=0),
    )


def _record_id(record: Record, above: int) -> str:
    what = record.caption if record.image_path is None else "/".join(record.image_path.parts[above:])
    parts = (record.split, record.modality, record.person_id, record.camera_id, record.source_image_id, what)
    return json.dumps(parts)


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
