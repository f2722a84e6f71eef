"""Calibrations in a gallery: kept with it, and read for the queries that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from aio_reid.errors import StorageError
from aio_reid.gallery.calibration.pair import PairCalibration, from_json, to_json
from aio_reid.records import Modality, subset_name


@runtime_checkable
class KeepsCalibrations(Protocol):
    """What a store must have to be calibrated; one without is searched uncalibrated."""

    def calibrations(self, query: str | None = None) -> list[str]:
        """Return what was kept, for queries of these letters (None: for all)."""

    def keep_calibrations(self, kept: Sequence[tuple[str, str, str]]) -> None:
        """Keep (letters of the query's modalities, gallery modality, JSON) in place of all that was kept before."""


def keep_calibration(store: KeepsCalibrations, pairs: Sequence[PairCalibration]) -> None:
    """Put these calibrations in place of all that the gallery had."""
    store.keep_calibrations([(pair.pairing.letters, pair.pairing.gallery.value, to_json(pair)) for pair in pairs])


def read_calibration(store: KeepsCalibrations, query: Sequence[Modality] | None = None) -> list[PairCalibration]:
    """Return the calibrations for queries of these modalities, or all, the smallest combinations first.

    Raises:
        StorageError: one is damaged.
    """
    try:
        found = [from_json(text) for text in store.calibrations(None if query is None else subset_name(query))]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageError(
            f"a calibration of this gallery is damaged ({error}); make it anew with `aio-reid gallery calibrate`"
        ) from None
    return [pair for pair in found if pair is not None]
