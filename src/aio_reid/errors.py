"""Every error that a user can cause. The command line prints its one line and exits with code 2, without a traceback.

    AioError
    ├── ConfigError      a configuration file or option: unknown key, wrong value
    ├── DataError        a data set, manifest or record
    │   └── PictureError one picture that cannot be read or is unusable
    ├── TextError        a sentence that cannot be read
    ├── WeightsError     a weights file or encoder: missing, foreign, damaged, not the expected one
    ├── StorageError     a file that cannot be written or a store that is damaged, locked, full
    └── TrainingError    a run that cannot go on: a loss that is not finite, a checkpoint of another run

A message names the value, what is allowed, and the remedy, in one line.
"""

from __future__ import annotations


class AioError(Exception):
    """Base of all errors that are the input's fault, not the program's."""


class ConfigError(AioError):
    """A configuration file or an option is wrong."""


class DataError(AioError):
    """A data set, a manifest or a record is wrong."""


class PictureError(DataError):
    """A picture cannot be read."""


class PassingPictureError(PictureError):
    """A picture cannot be read now, but perhaps later: the disk, the network or memory failed, not the picture."""


class TextError(AioError):
    """A sentence cannot be read."""


class WeightsError(AioError):
    """Weights are missing, damaged, or made for another model."""


class StorageError(AioError):
    """Something cannot be stored, or what is stored cannot be read."""


class TrainingError(AioError):
    """A training run cannot go on."""
