"""One evaluation from end to end: data set and weights in, record out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from aio_reid.api import AIO
from aio_reid.datasets.manifest import read_manifest
from aio_reid.datasets.pku_sketch import parse
from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.embed import CachedEmbedder, EmbedQueries
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.evaluation.protocols.pku_sketch import evaluate_all_persons
from aio_reid.evaluation.record import EvaluationRecord, count_records, describe_command, split_hash, write_json
from aio_reid.evaluation.scores import ProtocolScores
from aio_reid.progress import SILENT, Progress
from aio_reid.provenance import collect_provenance
from aio_reid.records import FUSIONS, Modality, Record, Split

DEFAULT_WEIGHTS = "aio-nano"
Protocol = Callable[[list[Record], EmbedQueries], ProtocolScores]


def evaluate_manifest(
    manifest: Path,
    *,
    weights: str = DEFAULT_WEIGHTS,
    out: Path | None = None,
    fusions: Sequence[str] = FUSIONS,
    subsets: Sequence[Collection[Modality]] | None = None,
    seed: int = 0,
    device: str | None = None,
    progress: Progress = SILENT,
) -> EvaluationRecord:
    """Evaluate every combination of modalities against the RGB gallery of a manifest (protocol any-combination-to-rgb).

    Args:
        manifest: its splits "query" and "gallery" are used; modalities that the weights do not read are left aside.
        weights: name of packaged weights, or path of a weights file.
        out: JSON file for the record; None writes none.
        fusions: any of "early" and "late".
        subsets: the combinations to ask; None asks all.
        seed: draws each person's record of each modality.
        device: a torch device; None takes a GPU where there is one.
        progress: told of every input that is embedded.

    Raises:
        AioError: wrong manifest, missing picture, wrong weights, a file that cannot be written.
    """
    _check_fusions(fusions)
    used = [r for r in read_manifest(manifest) if r.split in (Split.QUERY, Split.GALLERY)]

    def protocol(records: list[Record], embed: EmbedQueries) -> ProtocolScores:
        return evaluate_combinations(records, embed, fusions=fusions, subsets=subsets, seed=seed)

    return _evaluate(used, protocol, AIO.load(weights, device), weights=weights, seed=seed, out=out, progress=progress)


def evaluate_pku_sketch(
    root: Path,
    *,
    weights: str = DEFAULT_WEIGHTS,
    out: Path | None = None,
    fusions: Sequence[str] = FUSIONS,
    device: str | None = None,
    progress: Progress = SILENT,
) -> EvaluationRecord:
    """Evaluate photo, sketch, text, and sketch + text against PKU-Sketch's photos (protocol pku-sketch/all-persons).

    Args:
        root: the folder that holds `photo` and `sketch`; a partial copy is named as such in the record.
        weights, out, fusions, device, progress: as `evaluate_manifest`.

    Raises:
        AioError: as `evaluate_manifest`.
    """
    _check_fusions(fusions)
    used = parse(root)

    def protocol(records: list[Record], embed: EmbedQueries) -> ProtocolScores:
        return evaluate_all_persons(records, embed, fusions=fusions)

    return _evaluate(used, protocol, AIO.load(weights, device), weights=weights, seed=None, out=out, progress=progress)


def _evaluate(
    records: Sequence[Record],
    protocol: Protocol,
    model: AIO,
    *,
    weights: str,
    seed: int | None,
    out: Path | None,
    progress: Progress,
) -> EvaluationRecord:
    readable = [record for record in records if record.modality in model.model.modalities]
    if not readable:
        raise DataError(
            "there is nothing to evaluate: no record of split query or gallery has a modality the weights read"
        )
    _check_pictures(readable)
    started = time.perf_counter()
    scores = protocol(readable, CachedEmbedder(model.embed_queries, reliability=model.reliability, progress=progress))
    described = {
        "image_size": list(model.image_size),
        "context_length": model.context_length,
        "modalities": [modality.value for modality in model.model.modalities],
        "about": model.about,
    }
    record = EvaluationRecord(
        scores=scores,
        dataset=records[0].dataset,
        split_hash=split_hash(readable),
        counts=count_records(readable),
        weights=Path(weights).name,
        weights_hash=model.weights_hash,
        model=described,
        seed=seed,
        command=describe_command(sys.argv),
        seconds=time.perf_counter() - started,
        provenance=collect_provenance(config=described, seed=seed),
    )
    if out is not None:
        write_json(out, record.to_json())
    return record


def _check_fusions(fusions: Sequence[str]) -> None:
    unknown = [fusion for fusion in fusions if fusion not in FUSIONS]
    if unknown or not fusions:
        named = repr(unknown[0]) if unknown else "none"
        raise ConfigError(f"fusion is {named}; choose one or both of: {', '.join(FUSIONS)}")


def _check_pictures(records: Sequence[Record]) -> None:
    """A missing picture is told before the model has worked for minutes."""
    missing = [r.image_path for r in records if r.image_path is not None and not r.image_path.is_file()]
    if missing:
        raise DataError(f"{len(missing)} pictures are missing, the first is {missing[0]}; complete the data set")
