"""Pre-training of a small encoder by contrast of pictures and sentences: to `aio-nano` what LAION-2B is to ViT-B."""

from __future__ import annotations

from pathlib import Path

from aio_reid.config import RunConfig
from aio_reid.errors import ConfigError
from aio_reid.progress import SILENT, Progress
from aio_reid.records import Modality
from aio_reid.training.run import TrainingResult, train


def pretrain(config: RunConfig, out: Path, *, resume: bool = False, progress: Progress = SILENT) -> TrainingResult:
    """Train an encoder together with tokenizers of pictures and sentences; its weights are stored as float16.

    All go through the same blocks. The loss is the symmetric contrast of equations (6) and (7) between photos and
    whatever else the configuration reads, with all of one identity as positives. Pictures from the web, which the
    paper's encoder has seen, hold drawings and grey pictures too; so may these. The resulting file serves
    `model.encoder.weights_file`.

    Raises:
        ConfigError: the configuration does not describe a pre-training; else as `train`.
    """
    if not config.trainable_encoder or config.model.encoder.kind != "plain":
        raise ConfigError(
            f"run {config.name!r}: pre-training needs trainable_encoder: true and model.encoder.kind: plain"
        )
    if Modality.TEXT not in config.model.modalities:
        raise ConfigError(
            f"run {config.name!r}: pre-training reads rgb and text at least; add text to model.modalities"
        )
    return train(config, out, resume=resume, half=True, progress=progress)
