"""The whole evaluation: every data set that is on disk, under its protocol, with one model; records and tables out.

A row that cannot be scored does not stop the others. Embeddings are kept as they are made and records as their rows
are done, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aio_reid.api import AIO
from aio_reid.datasets.catalogue import find_available, find_dataset, refuse_withdrawn
from aio_reid.errors import AioError, ConfigError, DataError, StorageError
from aio_reid.evaluation.embed import CachedEmbedder, EmbedQueries
from aio_reid.evaluation.record import KIND, EvaluationRecord, describe_command, split_hash, write_json
from aio_reid.evaluation.repetitions import find_deviations, merge_repetitions
from aio_reid.evaluation.rows import MANIFEST, ROWS, RowData, SuiteRow, find_file, find_manifests, list_rows, title_of
from aio_reid.evaluation.run import check_pictures, make_record
from aio_reid.evaluation.stored import PREPROCESS_VERSION, StoredEmbedder
from aio_reid.evaluation.suite_report import DONE, FAILED, NOT_AVAILABLE, Outcome, describe_suite, write_suite
from aio_reid.evaluation.table import Result
from aio_reid.evaluation.vector_store import Tell, VectorStore
from aio_reid.progress import SILENT, Progress, format_seconds
from aio_reid.provenance import collect_provenance
from aio_reid.records import Modality

ALL_AVAILABLE = "all-available"
FIRST_SEED = 0
NOTHING = "nothing in the splits query and gallery is of a modality that the weights read"


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """What a run of the suite may be told.

    Attributes:
        weights: name of packaged weights, or path of a weights file.
        protocols: "all-available", or names of rows with commas between them.
        repetitions: how often protocols that draw by our seed are run, with the seeds 0, 1, ...
        fresh: score every row anew; embeddings are used again all the same.
        cache: folder of the embeddings; None: `embeddings` in the run's folder.
        device: a torch device; None takes a GPU where there is one.
    """

    weights: str = "aio-nano"
    protocols: str = ALL_AVAILABLE
    repetitions: int = 1
    fresh: bool = False
    cache: Path | None = None
    device: str | None = None


def run_suite(
    root: Path,
    out: Path,
    options: SuiteOptions,
    *,
    progress: Progress = SILENT,
    tell: Tell = lambda line: None,
) -> tuple[Outcome, ...]:
    """Score every chosen row that is on disk, and write its record, and the tables of all, into `out`.

    Args:
        root: holds the folders of the data sets, and manifests (in itself, or in its folders).
        out: `rows/NAME.json`, `zero_shot.json`, `.md`, `.csv` and `.tex`; made where it is missing.
        options: see `SuiteOptions`.
        progress: told of every input that is embedded.
        tell: told, in one line each, what happens to each row, and of embeddings that cannot be used or kept.

    Returns:
        What became of each chosen row, in the order of the table.

    Raises:
        ConfigError: an unknown row, fewer than one repetition, no such device.
        DataError: `root` is no folder, or none of the rows is on disk.
        WeightsError: missing, damaged or foreign weights.
        StorageError: `out` cannot be written.
    """
    if options.repetitions < 1:
        raise ConfigError(f"--seeds is {options.repetitions}; give at least 1")
    places = find_places(root, options.protocols)
    _make_folder(out / "rows")
    model = AIO.load(options.weights, options.device)
    store = VectorStore(options.cache or out / "embeddings", tell)
    try:
        scorer = _Scorer(model, store, options, progress, tell)
        outcomes = []
        num_there, number = sum(place is not None for place in places.values()), 0
        for row, place in places.items():
            number += place is not None
            outcomes.append(
                scorer.try_row(row, place, out / "rows" / f"{row.name}.json", root, f"{number}/{num_there}")
            )
    finally:
        store.close()
    weights = {"name": Path(options.weights).name, "sha256": model.weights_hash}
    origin = {"command": describe_command(sys.argv), "provenance": collect_provenance()}
    write_suite(out, describe_suite(outcomes, weights=weights, repetitions=options.repetitions, origin=origin))
    return tuple(outcomes)


def find_places(root: Path, protocols: str) -> dict[SuiteRow, Path | None]:
    """Return the chosen rows, in the order of the table, each with its folder or manifest; None where it is not there.

    Raises:
        ConfigError: an unknown row.
        DataError: `root` is no folder, or holds nothing for any of them.
    """
    available = find_available(root)
    manifests = find_manifests(root)
    rows = choose_rows(list_rows(manifests), protocols)
    places = {row: manifests.get(row.name) if row.dataset == MANIFEST else available.get(row.dataset) for row in rows}
    if not any(places.values()):
        wanted = "that can be evaluated" if protocols == ALL_AVAILABLE else f"for {protocols}"
        raise DataError(
            f"{root} holds no folder of a data set {wanted}; give the folder above those of the data sets (see: "
            "aio-reid data list --data DIR), or one data set alone: aio-reid evaluate DATA --dataset NAME"
        )
    return places


def choose_rows(rows: Sequence[SuiteRow], protocols: str) -> tuple[SuiteRow, ...]:
    """Return the rows of these names, in their order; "manifest" names every manifest.

    Raises:
        ConfigError: an unknown name, or none; the message lists those that there are.
        DataError: the name of a data set that was withdrawn.
    """
    if protocols == ALL_AVAILABLE:
        return tuple(rows)
    names = [name.strip() for name in protocols.split(",")]
    valid = dict.fromkeys([ALL_AVAILABLE, *(name for row in rows for name in (row.name, _family(row)))])
    unknown = [name for name in names if name not in valid or name == ALL_AVAILABLE]
    if unknown:
        refuse_withdrawn(unknown[0])
        raise ConfigError(f"--protocols has {unknown[0]!r}; choose one, or several with commas: {', '.join(valid)}")
    return tuple(row for row in rows if row.name in names or _family(row) in names)


def evaluate_dataset(
    name: str,
    folder: Path,
    *,
    weights: str = "aio-nano",
    out: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> EvaluationRecord:
    """Score one row alone, with nothing kept but its record.

    Args:
        name: of the row.
        folder: of the data set itself, or the manifest.
        weights, device, progress: as `run_suite`.
        out: JSON file for the record; None writes none.

    Raises:
        AioError: unknown name, wrong copy, missing picture, wrong weights, a file that cannot be written.
    """
    row = find_row(name)
    model = AIO.load(weights, device)
    modalities = model.model.modalities
    unread = _unread(row, modalities)
    data = row.read(folder, modalities)
    if unread or not any(data.trials):
        raise DataError(f"{folder} cannot be evaluated as {name}: {unread or NOTHING}")
    check_pictures([record for trial in data.trials for record in trial])
    started = time.perf_counter()
    embed = CachedEmbedder(model.embed_queries, reliability=model.reliability, progress=progress)
    scores = data.score(embed, FIRST_SEED)
    seed, seconds = FIRST_SEED if row.is_drawn else None, time.perf_counter() - started
    record = make_record(scores, data.trials, model, weights=weights, seed=seed, seconds=seconds)
    if out is not None:
        write_json(out, record.to_json())
    return record


def find_row(name: str) -> SuiteRow:
    """Return the row of that name.

    Raises:
        ConfigError: there is none.
        DataError: it names a data set that was withdrawn.
    """
    rows = {row.name: row for row in ROWS}
    if name in rows:
        return rows[name]
    try:
        entry = find_dataset(name)
    except ConfigError:
        raise ConfigError(f"unknown dataset {name!r}; choose one of: {', '.join(rows)}") from None
    raise ConfigError(f"{entry.title} has no test, it is for training; choose one of: {', '.join(rows)}")


class _Scorer:
    """Scores rows with one model, one store of embeddings and one set of options."""

    def __init__(self, model: AIO, store: VectorStore, options: SuiteOptions, progress: Progress, tell: Tell) -> None:
        self._model = model
        self._embed: EmbedQueries = StoredEmbedder(model.embed_queries, store, model.weights_hash)
        self._options = options
        self._progress = progress
        self._tell = tell

    def try_row(self, row: SuiteRow, place: Path | None, record: Path, root: Path, count: str) -> Outcome:
        """Return what became of the row, and tell it; the input's fault is an outcome, in one line."""
        if place is None:
            return Outcome(row, NOT_AVAILABLE)
        self._tell(f"{count} {row.name}: {row.label}, {title_of(row)}")
        started = time.monotonic()
        try:
            outcome = self._run_row(row, place, record)
        except StorageError:
            raise
        except (AioError, OSError) as error:
            reason = " ".join(str(error).split())
            outcome = Outcome(row, FAILED, reason.replace(f"{root}/", ""))
        why = f": {outcome.reason}" if outcome.reason else f" in {format_seconds(time.monotonic() - started)}"
        self._tell(f"{count} {row.name}: {outcome.state}{why}")
        return outcome

    def _run_row(self, row: SuiteRow, place: Path, record: Path) -> Outcome:
        lacks = _unread(row, self._model.model.modalities)
        if row.any_of and find_file(place, row.any_of) is None:
            lacks = f"the copy holds no {' or '.join(row.any_of)}"
        if lacks:
            return Outcome(row, NOT_AVAILABLE, lacks)
        data = row.read(place, self._model.model.modalities)
        if not any(data.trials):
            return Outcome(row, NOT_AVAILABLE, NOTHING)
        return Outcome(row, DONE, result=self._score(row, data, record))

    def _score(self, row: SuiteRow, data: RowData, path: Path) -> Result:
        seeds = list(range(FIRST_SEED, FIRST_SEED + self._options.repetitions)) if row.is_drawn else []
        records = list(dict.fromkeys(record for trial in data.trials for record in trial))
        check_pictures(records)
        suite = {"row": row.name, "seeds": seeds, "preprocessing": PREPROCESS_VERSION}
        identity = {
            "weights": self._model.weights_hash,
            "protocol": f"{row.protocol} {row.version}",
            "data set": records[0].dataset,  # of a part it counts what was there, training included
            "split": split_hash(*data.trials),
            "suite": suite,
        }
        pictures = {record.image_path for record in records if record.image_path is not None}
        if not self._options.fresh and (kept := _read_kept(path, identity, [*pictures, *data.files])):
            return kept
        started = time.perf_counter()
        embed = CachedEmbedder(self._embed, reliability=self._model.reliability, progress=self._progress)
        runs = [data.score(embed, seed) for seed in seeds or [FIRST_SEED]]
        record = make_record(
            merge_repetitions(runs),
            data.trials,
            self._model,
            weights=self._options.weights,
            seed=seeds[0] if seeds else None,
            seconds=time.perf_counter() - started,
        )
        result = {**record.to_json(), "suite": {**suite, "deviations": find_deviations(runs)}}
        write_json(path, result)
        return result


def _read_kept(path: Path, identity: Mapping[str, object], files: Collection[Path]) -> Result | None:
    """Return the record of an earlier run if it is of the same, and none of the files has changed since."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        written = path.stat().st_mtime_ns
        found = {
            "weights": result["weights"]["sha256"],
            "protocol": f"{result['protocol']['name']} {result['protocol']['version']}",
            "data set": result["dataset"]["name"],
            "split": result["dataset"]["split_sha256"],
            "suite": {name: value for name, value in result["suite"].items() if name != "deviations"},
        }
        changed = max(max(state.st_mtime_ns, state.st_ctime_ns) for state in (file.stat() for file in files))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(result) if result.get("kind") == KIND and found == identity and changed < written else None


def _unread(row: SuiteRow, modalities: Collection[Modality]) -> str:
    unread = [modality.label for modality in row.needs if modality not in modalities]
    return f"the weights do not read {' and '.join(unread)}" if unread else ""


def _family(row: SuiteRow) -> str:
    return MANIFEST if row.dataset == MANIFEST else row.name


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be made ({error.strerror}); name another folder with --out") from error
