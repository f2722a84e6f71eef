"""Calibrations of a gallery, pairing by pairing: from a labelled validation set, or from its own tracks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aio_reid.errors import ConfigError, DataError
from aio_reid.gallery.calibration.fit import fit_pair
from aio_reid.gallery.calibration.labelled import EmbedQueries, LabelledComparisons, all_pairings, choose_validation
from aio_reid.gallery.calibration.pair import LABELLED, TRACKS, PairCalibration, Pairing
from aio_reid.gallery.calibration.tracks import compare_tracks, find_tracks
from aio_reid.gallery.store.protocol import Store
from aio_reid.progress import SILENT, Progress
from aio_reid.records import FUSIONS, Modality, Record


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The pairings that could be calibrated, and (name, reason) of those that could not; `notes` for the reader."""

    pairs: tuple[PairCalibration, ...]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a calibration holds for.

    Attributes:
        weights_hash: of the model.
        fusion: how queries of several modalities are joined.
        gallery_modalities: what the gallery holds; empty for whatever is found.
        share: the share of matches in the gallery that it is to be good at.
    """

    weights_hash: str
    fusion: str
    gallery_modalities: tuple[Modality, ...] = ()
    share: float = 1e-3

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise ConfigError(f"unknown fusion {self.fusion!r}; choose one of: {', '.join(FUSIONS)}")


def calibrate_labelled(
    records: Sequence[Record],
    readable: Sequence[Modality],
    embed: EmbedQueries,
    conditions: Conditions,
    *,
    progress: Progress = SILENT,
) -> Calibrated:
    """Calibrate every combination of query modalities that the weights read (`readable`) against every gallery
    modality, from a labelled validation set.

    Raises:
        ConfigError: unknown fusion.
        DataError: no validation set among the records, or not one pairing has enough comparisons.
    """
    chosen = choose_validation(records, readable)
    wanted = conditions.gallery_modalities or tuple(chosen.gallery)
    known = chosen.query_modalities
    pairings = list(all_pairings(known, [modality for modality in wanted if modality in chosen.gallery]))
    compared = LabelledComparisons(chosen, embed, conditions.fusion)
    left_out = [
        (f"every combination with {modality.label}", "the validation set has no such query")
        for modality in readable
        if modality not in known
    ]
    left_out += [
        (f"every query to {modality.label}", "the validation set has no such gallery")
        for modality in wanted
        if modality not in chosen.gallery
    ]
    pairs: list[PairCalibration] = []
    with progress.task("Calibrating", len(pairings), "combinations") as task:
        for pairing in pairings:
            try:
                pairs.append(_fit(pairing, compared, conditions))
            except DataError as error:
                left_out.append((pairing.name, str(error)))
            task.advance()
    notes = (f"{len(chosen.known)} people of the split {chosen.splits}",)
    return _checked(pairs, left_out, notes)


def calibrate_tracks(store: Store, conditions: Conditions, tolerance: timedelta = timedelta(0)) -> Calibrated:
    """Calibrate queries of one picture, of the modalities that the gallery holds, from tracks that one camera saw at
    the same time; see `tracks.py`.

    Raises:
        ConfigError: a negative tolerance, or unknown fusion.
        DataError: too few tracks, none of them at the same time, or too few comparisons for every pairing.
    """
    if tolerance < timedelta(0):
        raise ConfigError(f"a tolerance of {tolerance.total_seconds():g} s; give 0 or more")
    tracks = find_tracks(store)
    pairs: list[PairCalibration] = []
    left_out: list[tuple[str, str]] = []
    for pairing, comparisons in compare_tracks(store, tracks, tolerance).items():
        try:
            pair = fit_pair(
                comparisons,
                pairing,
                fusion=conditions.fusion,
                origin=TRACKS,
                weights_hash=conditions.weights_hash,
                share=conditions.share,
            )
            pairs.append(pair)
        except DataError as error:
            left_out.append((pairing.name, str(error)))
    notes = (
        f"{len(tracks)} tracks; matches are pictures of one track, easier than the same person in another camera, for "
        "whom P(match) comes out too low",
        "sentences, drawings and queries of several kinds cannot be calibrated from tracks; give a labelled set",
    )
    return _checked(pairs, left_out, notes)


def _fit(pairing: Pairing, compared: LabelledComparisons, conditions: Conditions) -> PairCalibration:
    return fit_pair(
        compared.compare(pairing),
        pairing,
        fusion=conditions.fusion,
        origin=LABELLED,
        weights_hash=conditions.weights_hash,
        share=conditions.share,
    )


def _checked(
    pairs: Sequence[PairCalibration], left_out: Iterable[tuple[str, str]], notes: tuple[str, ...]
) -> Calibrated:
    reasons = tuple(left_out)
    if not pairs:
        name, reason = reasons[-1] if reasons else ("the validation set", "it names no combination")
        raise DataError(f"nothing could be calibrated; {name}: {reason}")
    return Calibrated(tuple(pairs), reasons, notes)
