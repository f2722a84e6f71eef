"""Pre-training of a small encoder by contrast between photos and sentences: to `aio-nano` what LAION-2B is to the big
one.
"""

from __future__ import annotations

from pathlib import Path

from aio_reid.config import RunConfig
from aio_reid.errors import ConfigError
from aio_reid.progress import SILENT, Progress
from aio_reid.records import Modality
from aio_reid.training.run import TrainingResult, train


def pretrain(config: RunConfig, out: Path, *, resume: bool = False, progress: Progress = SILENT) -> TrainingResult:
    """Train an encoder together with a photo stem and a word table; its weights are stored as float16.

    Photos and sentences go through the same blocks. The loss is the symmetric contrast of equations (6) and (7)
    between the two,
    with all photos and sentences of one identity as positives. The resulting file serves `model.encoder.weights_file`.

    Raises:
        ConfigError: the configuration does not describe a pre-training; else as `train`.
    """
    if not config.trainable_encoder or config.model.encoder.kind != "plain":
        raise ConfigError(
            f"run {config.name!r}: pre-training needs trainable_encoder: true and model.encoder.kind: plain"
        )
    if set(config.model.modalities) != {Modality.RGB, Modality.TEXT}:
        raise ConfigError(f"run {config.name!r}: pre-training reads rgb and text; set model.modalities to [rgb, text]")
    return train(config, out, resume=resume, half=True, progress=progress)
