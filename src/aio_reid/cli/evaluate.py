"""`aio-reid evaluate`: one data set, or every one that is on disk."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aio_reid.cli.search import Device
from aio_reid.records import Modality, parse_modality

if TYPE_CHECKING:
    from aio_reid.evaluation.record import EvaluationRecord
    from aio_reid.evaluation.suite import SuiteOptions
    from aio_reid.progress import Progress

MANIFEST, PKU_SKETCH = "manifest", "pku-sketch"


def evaluate(
    data: Annotated[
        Path | None, typer.Argument(metavar="DATA", help="A manifest (Parquet or CSV), or the folder of --dataset.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="How DATA is read and scored: manifest (the default), or a name of `data list`.")
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option("--data", metavar="ROOT", help="Instead of DATA: the folder that holds folders of data sets."),
    ] = None,
    weights: Annotated[str, typer.Option(help="A name (aio-nano) or a weights file.")] = "aio-nano",
    protocols: Annotated[
        str | None, typer.Option(help="With --data: all-available (the default), or names of rows with commas.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="With --data: how often protocols that draw at random are run; default: 1.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="With --data: score rows anew that are done already.")] = False,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --data: keep embeddings here; default: --out/embeddings.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Write the result as JSON; with --data, the folder of results.")
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With DATA: also draw ranked lists, CMC curves and a map of embeddings."),
    ] = None,
    gallery: Annotated[
        list[str] | None,
        typer.Option(
            "--gallery-modality", help="With a manifest: what is searched, repeated for a mixed gallery; default: rgb."
        ),
    ] = None,
    post_processing: Annotated[
        str | None, typer.Option(help="With DATA: re-ranking (k-reciprocal) or query-expansion; the result says so.")
    ] = None,
    device: Device = None,
) -> None:
    """Measure retrieval: of one data set, or of all below --data. Exit code 1 when one of those cannot be scored."""
    from aio_reid.errors import ConfigError

    if (data is None) == (root is None):
        raise ConfigError("give either DATA, a manifest or a data set's folder, or --data ROOT, for all that are in it")
    if data is not None:
        given = {"--protocols": protocols, "--seeds": seeds, "--fresh": fresh or None, "--cache": cache}
        wrong = [option for option, value in given.items() if value is not None]
        if wrong:
            raise ConfigError(f"{wrong[0]} goes with --data ROOT; leave it out, or give --data instead of {data}")
        if gallery and dataset not in (None, MANIFEST):
            raise ConfigError(f"--gallery-modality goes with a manifest; {dataset} has a gallery of its own")
        modalities = tuple(parse_modality(name) for name in gallery or [])
        if post_processing is not None and pictures is not None:
            raise ConfigError("--pictures shows the plain ranking; give it without --post-processing")
        with _ranked_by(post_processing):
            _evaluate_one(data, dataset or MANIFEST, weights, out, device, pictures, modalities)
        return
    if post_processing is not None:
        raise ConfigError("--post-processing goes with DATA; with --data, evaluate one data set alone")
    if dataset is not None or pictures is not None or gallery:
        instead = f"give --protocols {dataset}" if dataset is not None else "evaluate one data set alone"
        option = "--dataset" if dataset else "--pictures" if pictures else "--gallery-modality"
        raise ConfigError(f"{option} goes with DATA; with --data, {instead}")
    if root is None or out is None:
        raise ConfigError("--out is missing; with --data, name the folder of the results")
    from aio_reid.evaluation.suite import ALL_AVAILABLE, SuiteOptions

    chosen = ALL_AVAILABLE if protocols is None else protocols
    options = SuiteOptions(weights, chosen, 1 if seeds is None else seeds, fresh, cache, device)
    if not _evaluate_all(root, out, options):
        raise typer.Exit(1)


def _ranked_by(post_processing: str | None) -> AbstractContextManager[None]:
    if post_processing is None:
        return nullcontext()
    from aio_reid.evaluation.post_processing import find_post_processing
    from aio_reid.evaluation.tasks import ranking_by

    return ranking_by(find_post_processing(post_processing), name=post_processing)


def _evaluate_one(
    data: Path,
    dataset: str,
    weights: str,
    out: Path | None,
    device: str | None,
    pictures: Path | None,
    gallery: tuple[Modality, ...],
) -> None:
    from aio_reid.cli.show import print_noted, remark
    from aio_reid.evaluation.pictures.write import pictures_of
    from aio_reid.evaluation.report import make_table
    from aio_reid.gallery.outputs import check_writable
    from aio_reid.progress import console_progress

    if out is not None:
        check_writable(out)
    progress = console_progress()
    with pictures_of(pictures, facts={"Weights": Path(weights).name}, progress=progress):
        record = _score_one(data, dataset, weights, out, device, gallery, progress)
    print_noted(make_table(record.to_json()))
    if out is not None:
        remark(f"written: {out}")
    if pictures is not None and record.scores.tasks:
        remark(f"written: {pictures}; open {pictures / 'index.html'}")


def _score_one(
    data: Path,
    dataset: str,
    weights: str,
    out: Path | None,
    device: str | None,
    gallery: tuple[Modality, ...],
    progress: Progress,
) -> EvaluationRecord:
    from aio_reid.errors import DataError
    from aio_reid.evaluation.run import Combinations, evaluate_manifest, evaluate_pku_sketch
    from aio_reid.evaluation.suite import evaluate_dataset

    if dataset == MANIFEST and data.is_dir():
        raise DataError(
            f"{data} is a folder; give the manifest in it, or say with --dataset which data set it is, or give it as "
            "--data if it holds folders of data sets"
        )
    if dataset == MANIFEST:
        asked = Combinations(gallery=gallery) if gallery else Combinations()
        return evaluate_manifest(data, weights=weights, out=out, asked=asked, device=device, progress=progress)
    if dataset == PKU_SKETCH:
        return evaluate_pku_sketch(data, weights=weights, out=out, device=device, progress=progress)
    return evaluate_dataset(dataset, data, weights=weights, out=out, device=device, progress=progress)


def _evaluate_all(root: Path, out: Path, options: SuiteOptions) -> bool:
    """Print the table of all rows; return whether every row that is on disk could be scored."""
    from aio_reid.cli.show import print_noted, remark
    from aio_reid.evaluation.report import make_table, read_result
    from aio_reid.evaluation.suite import run_suite
    from aio_reid.evaluation.suite_report import FAILED, FILE_NAME
    from aio_reid.progress import console_progress

    outcomes = run_suite(root, out, options, progress=console_progress(), tell=remark)
    table = make_table(read_result(out / f"{FILE_NAME}.json"))
    print_noted(table)
    remark(f"written: {out / FILE_NAME}.md, .tex, .csv, .json; a JSON file for each row in {out / 'rows'}")
    return all(outcome.state != FAILED for outcome in outcomes)
