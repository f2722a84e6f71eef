"""One kind of picture's way through the model as a recorded graph.

Python runs a model operation by operation and takes its lock for each; a thread that computes beside threads that
answer requests waits for them a hundred times a batch. A recorded graph takes the lock once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from aio_reid.models.model import AIOModel
from aio_reid.records import Modality

Reading = Callable[[Tensor], Tensor]
_BATCHES = (2, 3, 1)
"""The first is recorded, with all of them it is compared."""


class _Reading(nn.Module):
    """Pixels of one modality to unit vectors, as a module of its own."""

    def __init__(self, model: AIOModel, modality: Modality) -> None:
        super().__init__()
        self.model = model
        self.modality = modality

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model.embed({self.modality: pixels})  # (B, D)


def record_reading(model: AIOModel, modality: Modality) -> Reading | None:
    """Record how a model in eval mode reads pictures of one modality alone.

    The recording shares the model's weights and takes batches of any size. It is torch's TorchScript, which newer
    versions advise against in favour of compilers; these need a C++ compiler on the user's machine, or minutes.

    Args:
        modality: a visual one.

    Returns:
        A function from normalised pixels (B, 3, H, W) to `model.embed({modality: pixels})` (B, D); None
        where this torch records no such thing, or what it recorded gives other vectors.
    """
    device = model.sequence.cls.device
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(b, 3, *model.image_size, generator=generator).to(device) for b in _BATCHES]
    reading = _Reading(model, modality)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its age, and that shapes of one picture become constants
        try:
            recorded: Any = torch.jit.trace(reading, batches[0], check_trace=False)  # type: ignore[no-untyped-call]
            pairs = [(x, reading(x)) for x in batches]  # a recording is optimised while it runs first: each thrice
            same = all(torch.allclose(recorded(x), vectors, atol=1e-5) for x, vectors in pairs for _ in range(3))
        except (AttributeError, RuntimeError, NotImplementedError):
            return None
    found: Reading = recorded
    return found if same else None
