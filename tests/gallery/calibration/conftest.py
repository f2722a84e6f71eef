from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from known_scores import calibrated_pair

from aio_reid.gallery.calibration.pair import PairCalibration
from aio_reid.records import Modality


@pytest.fixture(scope="session")
def pairs() -> list[PairCalibration]:
    """Photos of strangers score about 0.4, infrared frames of strangers about 0: 0.4 is much for a frame only."""
    return [calibrated_pair(Modality.RGB, 0.8, 0.4), calibrated_pair(Modality.INFRARED, 0.4, 0.0)]
