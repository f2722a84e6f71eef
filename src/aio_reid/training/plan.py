"""What is random about a step beyond its tuples: drawn from (seed, step) alone, whichever process or micro-batch it
is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aio_reid.records import Modality

SHARE_OF_SIZE = {2: 0.5, 3: 0.3}
"""How often a fused pass joins two or three modalities; larger sets share the rest evenly (method.md section 7)."""

TONE_KNOTS = 5
"""Tones, evenly from black to white, to which a random curve gives new ones."""


@dataclass(frozen=True, slots=True)
class ColourlessSteps:
    """The share of the steps whose batch is seen without colour; it grows from 0 over the first `ramp` steps.

    In such a step the pictures' tones are redistributed with probability `tones`, so that not even brightness tells
    people apart: what is dark in a photo may be bright in an infrared frame.
    """

    share: float = 0.0
    ramp: int = 0
    tones: float = 0.0

    def share_at(self, step: int) -> float:
        """Return the share at that step."""
        return self.share * min(1.0, step / self.ramp) if self.ramp else self.share


@dataclass(frozen=True, slots=True)
class Plan:
    """What is the same for all parts of a step's batch, however it is split.

    Attributes:
        step: counted from 0.
        available: the modalities that any tuple of the batch has, in fusion order.
        subset: those that the fused pass joins; () where there is none.
        greys: modality to (b, 3) float32, shares of red, green and blue in the grey of each tuple of this process's
            share; empty where the batch keeps its colour.
        tones: modality to (b, 256) uint8, the curve that the grey of each tuple passes; empty where none does.
    """

    step: int
    available: tuple[Modality, ...]
    subset: tuple[Modality, ...]
    greys: dict[Modality, Tensor]
    tones: dict[Modality, Tensor]


def draw_subset(available: Sequence[Modality], *, seed: int, step: int, every: int) -> tuple[Modality, ...]:
    """Draw which modalities a step's fused pass joins; () where there is no fused pass: it comes every `every` steps
    (0: never).
    """
    if every == 0 or step % every or len(available) < 2:
        return ()
    rng = np.random.default_rng((seed, step, 0xF05E))
    sizes = np.arange(2, len(available) + 1)
    larger = max(1, len(available) - 3)
    share = np.array([SHARE_OF_SIZE.get(int(size), 0.2 / larger) for size in sizes])
    size = int(rng.choice(sizes, p=share / share.sum()))
    subsets = list(combinations(available, size))
    return subsets[int(rng.integers(len(subsets)))]


def draw_greys(
    available: Sequence[Modality], colourless: ColourlessSteps, *, seed: int, step: int, num_tuples: int
) -> dict[Modality, Tensor]:
    """Draw whether a step is seen without colour, and if so each tuple's mix of channels: (num_tuples, 3) float32 with
    rows of sum 1, for each modality with colour; else nothing.
    """
    rng = np.random.default_rng((seed, step, 0x6BE7))
    if rng.random() >= colourless.share_at(step):
        return {}
    coloured = [m for m in available if m.is_visual and m.has_colour]
    return {m: torch.from_numpy(rng.dirichlet((1.0, 1.0, 1.0), num_tuples).astype(np.float32)) for m in coloured}


def draw_tones(
    greys: Mapping[Modality, Tensor], colourless: ColourlessSteps, *, seed: int, step: int
) -> dict[Modality, Tensor]:
    """Draw whether the photos of a step without colour pass curves of tone, and if so one for each: (num_tuples, 256)
    uint8, straight lines between random values; else nothing.
    """
    rng = np.random.default_rng((seed, step, 0x70E5))
    if not greys or rng.random() >= colourless.tones:
        return {}
    photos = {m: mix for m, mix in greys.items() if not m.on_paper}  # paper is white whatever the light
    return {m: torch.from_numpy(np.stack([_tone_curve(rng) for _ in mix])) for m, mix in photos.items()}


def _tone_curve(rng: np.random.Generator) -> NDArray[np.uint8]:
    values = np.interp(np.linspace(0.0, 1.0, 256), np.linspace(0.0, 1.0, TONE_KNOTS), rng.random(TONE_KNOTS))
    return np.rint(255.0 * values).astype(np.uint8)


def draw_classes(labels: Tensor, num_identities: int, *, share: float, seed: int, step: int) -> Tensor:
    """Return the classes that a step of partial FC classifies against: those of the batch, and of all others `share`,
    drawn without replacement.

    Args:
        labels: (B,) int64 identities of the whole batch.

    Returns:
        (n,) int64, ascending, on the device of `labels`.

    Source: method.md 6.1.
    """
    others = np.ones(num_identities, dtype=bool)
    others[labels.cpu().numpy()] = False
    left = np.flatnonzero(others)
    rng = np.random.default_rng((seed, step, 0x1DE7))
    others[rng.choice(left, len(left) - round(share * len(left)), replace=False, shuffle=False)] = False
    others[labels.cpu().numpy()] = True
    return torch.from_numpy(np.flatnonzero(others)).to(labels.device)
