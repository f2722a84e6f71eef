"""`aio-reid gallery calibrate`: what scores mean, learnt from a labelled set or from the gallery's own tracks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aio_reid.cli.gallery import Weights, opened
from aio_reid.cli.gallery_options import LocalGallery
from aio_reid.cli.search import Device
from aio_reid.errors import ConfigError
from aio_reid.records import VISUAL_MODALITIES, Modality

if TYPE_CHECKING:
    from aio_reid.gallery.calibration.calibrate import Calibrated, Conditions
    from aio_reid.gallery.store.embedded import EmbeddedStore
    from aio_reid.records import Record

MANIFEST = "manifest"
LONGEST_TOLERANCE_S = 3600.0


def calibrate(
    gallery: LocalGallery,
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="A labelled set: a manifest, or a folder of --dataset. None: the tracks."),
    ] = None,
    *,
    dataset: Annotated[
        str | None, typer.Option(help="How DATA is read: manifest (the default), or a name of `data list`.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Without DATA: tracks at most so far apart in time count as simultaneous."
        ),
    ] = None,
    expected: Annotated[
        float, typer.Option(metavar="NUMBER", help="Pictures of a person expected in this gallery.")
    ] = 1.0,
    fusion: Annotated[str | None, typer.Option(help="early or late; default: what the weights do better with.")] = None,
    weights: Weights = None,
    device: Device = None,
) -> None:
    """Learn what scores mean: probability of a match, share of strangers that score as high, whether a person is there.

    From a labelled validation set, for every combination of evidence; or without one from tracks that a camera saw at
    the same time, which are different people. Takes the place of an earlier calibration.
    """
    from aio_reid.cli.show_gallery import print_calibration
    from aio_reid.gallery.calibration.calibrate import Conditions, calibrate_tracks
    from aio_reid.gallery.calibration.kept import keep_calibration
    from aio_reid.gallery.store.protocol import check_weights
    from aio_reid.search_embedder import ModelFactory
    from aio_reid.weights import find_weights, preferred_fusion

    _check_options(data, dataset, tolerance, expected)
    with opened(gallery) as store:
        name = weights or store.about().weights_name
        weights_hash = ModelFactory(name).weights_hash
        check_weights(store.about(), weights_hash)
        num_pictures = store.count()
        conditions = Conditions(
            weights_hash,
            fusion or preferred_fusion(find_weights(name)),
            _modalities(store),
            expected / (expected + num_pictures),
        )
        if data is None:
            done = calibrate_tracks(store, conditions, timedelta(seconds=tolerance or 0.0))
    if data is not None:
        done = _from_labels(_read(data, dataset or MANIFEST), name, device, conditions)
    with opened(gallery, write=True) as store:
        check_weights(store.about(), weights_hash)  # once more: `reembed` may have ended meanwhile
        keep_calibration(store, done.pairs)
    print_calibration(done)


def _check_options(data: Path | None, dataset: str | None, tolerance: float | None, expected: float) -> None:
    if data is None and dataset is not None:
        raise ConfigError("--dataset says how DATA is read; give DATA as well, or leave --dataset out")
    if data is not None and tolerance is not None:
        raise ConfigError("--tolerance goes with tracks; leave it out, or leave DATA out")
    if tolerance is not None and not 0 <= tolerance <= LONGEST_TOLERANCE_S:
        raise ConfigError(f"--tolerance {tolerance:g}: give seconds from 0 to {LONGEST_TOLERANCE_S:g}")
    if not 0 < expected < float("inf"):
        raise ConfigError(f"--expected {expected:g}: give a number above 0")


def _modalities(store: EmbeddedStore) -> tuple[Modality, ...]:
    """Return what the gallery holds."""
    from aio_reid.gallery.store.protocol import Where

    return tuple(modality for modality in VISUAL_MODALITIES if store.count(Where(modalities=(modality,))))


def _read(data: Path, dataset: str) -> list[Record]:
    from aio_reid.datasets.catalogue import find_dataset
    from aio_reid.datasets.manifest import read_manifest
    from aio_reid.errors import DataError

    if dataset != MANIFEST:
        return find_dataset(dataset).parse(data)
    if data.is_dir():
        raise DataError(f"{data} is a folder; give the manifest in it, or say with --dataset which data set it is")
    return read_manifest(data)


def _from_labels(records: list[Record], weights: str, device: str | None, conditions: Conditions) -> Calibrated:
    from aio_reid.api import AIO
    from aio_reid.evaluation.embed import CachedEmbedder
    from aio_reid.gallery.calibration.calibrate import calibrate_labelled
    from aio_reid.progress import console_progress

    model = AIO.load(weights, device)
    progress = console_progress()
    embed = CachedEmbedder(model.embed_queries, reliability=model.reliability, progress=progress)
    return calibrate_labelled(records, model.model.modalities, embed, conditions, progress=progress)
