"""What oneDNN, torch's library for CPUs, keeps of the kernels that it makes.

A kernel is made for one shape, and the rows of a batch that have a sketch, or the requests that come together, are
another number each time. oneDNN keeps 1,024 kernels, fewer than one network has layers times shapes, so that most were
made anew at every step: a third of the time of training on a CPU (docs/experiments.md 14).
"""

from __future__ import annotations

import os

CAPACITY = 8_192
_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"


def keep_kernels() -> None:
    """Let oneDNN keep enough kernels, unless the environment says how many; it asks once, before its first kernel."""
    os.environ.setdefault(_VARIABLE, str(CAPACITY))
