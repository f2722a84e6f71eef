"""Several processes that make one step together, each from its share of the batch.

The convention everywhere: every process computes the loss of the whole batch from features that were gathered with
their gradient; the sum of those equal losses is differentiated, and the gradients are averaged. So the step is that of
one process with the whole batch, up to rounding.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from aio_reid.errors import AioError, TrainingError

CPU = torch.device("cpu")


def is_main_process() -> bool:
    """Return whether this process is the one that writes, before any process group exists (torchrun sets RANK)."""
    return os.environ.get("RANK", "0") == "0"


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those that train together; alone, nothing is ever exchanged.

    Attributes:
        index: which one this is, from 0; the first writes log, checkpoints and weights.
        count: how many there are.
        device: where tensors must lie to be exchanged.
    """

    index: int = 0
    count: int = 1
    device: torch.device = CPU

    @property
    def is_main(self) -> bool:
        """Whether this process writes."""
        return self.index == 0

    def anywhere(self, flags: Sequence[bool]) -> list[bool]:
        """Return which flags are set in any process."""
        if self.count == 1:
            return list(flags)
        told = torch.tensor(flags, dtype=torch.int32, device=self.device)
        dist.all_reduce(told, op=dist.ReduceOp.MAX)
        return [bool(flag) for flag in told.tolist()]

    def first_message(self, message: str | None) -> str | None:
        """Return the message of the first process that has one, in every process; None where none has."""
        if not any(self.anywhere([message is not None])):
            return None
        said: list[str | None] = [message]
        if self.count > 1:
            said = [None] * self.count
            dist.all_gather_object(said, message)
        return next(text for text in said if text is not None)

    def lengths(self, own: Sequence[int]) -> list[list[int]]:
        """Return for each number of `own` what every process has there: len(own) lists of `count`."""
        if self.count == 1:
            return [[length] for length in own]
        mine = torch.tensor(own, dtype=torch.int64, device=self.device)
        told = [torch.empty_like(mine) for _ in range(self.count)]
        dist.all_gather(told, mine)
        return torch.stack(told, dim=1).tolist()

    def gather(self, own: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return the rows of all processes, in their order; floats come with a gradient path to the process they are
        from.

        Args:
            own: (b, ...) with b = lengths[index]; every process must call this, also with b = 0.
            lengths: rows of every process.
        """
        if self.count == 1 or not sum(lengths):
            return own
        if own.is_floating_point() and torch.is_grad_enabled() and not own.requires_grad:
            own = own.detach().requires_grad_()  # else this process would miss the exchange of the backward pass
        gathered: Tensor = _Gather.apply(own, tuple(lengths), self.index)
        return gathered

    def average_gradients(self, leaves: Sequence[Tensor]) -> None:
        """Make the gradients of all processes their mean; a leaf that has none in all of them keeps none."""
        if self.count == 1:
            return
        used = self.anywhere([leaf.grad is not None for leaf in leaves])
        pending = []
        for leaf in (leaf for leaf, is_used in zip(leaves, used, strict=True) if is_used):
            leaf.grad = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad.contiguous()
            leaf.grad.div_(self.count)
            pending.append(dist.all_reduce(leaf.grad, async_op=True))
        for work in pending:
            work.wait()

    def take_from_main(self, module: nn.Module) -> None:
        """Give every process the parameters and buffers of the first: two machines may round a start differently."""
        if self.count > 1:
            for tensor in module.state_dict().values():
                sent = tensor.contiguous()
                dist.broadcast(sent, src=0)
                tensor.copy_(sent)


ALONE = Processes()


@contextmanager
def errors_of_all(processes: Processes) -> Iterator[None]:
    """Raise an error of any process in all of them, so that none waits for one that has given up.

    Raises:
        TrainingError: another process has raised one of our errors; with its message.
    """
    own: AioError | None = None
    try:
        yield
    except AioError as error:
        own = error
    said = processes.first_message(None if own is None else str(own))
    if own is not None:
        raise own
    if said is not None:
        raise TrainingError(said)


class _Gather(torch.autograd.Function):
    """Rows of all processes one after another; backward, the sum of all processes' gradients at the own rows."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, lengths: tuple[int, ...], index: int) -> Tensor:
        ctx.start, ctx.length = sum(lengths[:index]), lengths[index]
        sent = own.to(torch.uint8) if own.dtype == torch.bool else own
        padded = sent.new_zeros(max(lengths), *own.shape[1:])
        padded[: len(own)] = sent
        parts = [torch.empty_like(padded) for _ in lengths]
        dist.all_gather(parts, padded)
        return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)]).to(own.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total[ctx.start : ctx.start + ctx.length], None, None


class _Sum(torch.autograd.Function):
    """The sum over all processes; backward, again the sum: each of them uses the result in its own equal loss."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        total = own.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation with the statistics of all processes' pictures; some may have none. In eval mode the usual.

    torch's own SyncBatchNorm knows no CPU. Moments come from the sums of values and of their squares, in float32.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, C, H, W) of x (b, C, H, W); in training every process must call this, also with b = 0."""
        if not self.training:
            return super().forward(x)
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        b, C, H, W = x.shape
        values = x.float()
        own = torch.cat(
            [values.sum(dim=(0, 2, 3)), (values * values).sum(dim=(0, 2, 3)), values.new_tensor([b * H * W])]
        )
        total: Tensor = _Sum.apply(own)
        count = total[-1].detach().clamp(min=1.0)
        mean, square = (total[:-1] / count).reshape(2, C).unbind(0)  # (C,), (C,)
        variance = (square - mean * mean).clamp_min(0.0)
        with torch.no_grad():
            any_picture = (total[-1] > 0).to(mean.dtype)  # a tensor: nothing waits for the device
            momentum = any_picture * (self.momentum if self.momentum is not None else 0.1)
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance * count / (count - 1).clamp(min=1.0), momentum)
            self.num_batches_tracked += any_picture.to(self.num_batches_tracked.dtype)
        scale = self.weight * torch.rsqrt(variance + self.eps)  # (C,)
        shift = self.bias - mean * scale
        return torch.addcmul(shift[:, None, None].to(x.dtype), x, scale[:, None, None].to(x.dtype))


def share_batch_statistics(module: nn.Module, processes: Processes) -> None:
    """Exchange every BatchNorm2d inside `module` for one that sees the batch of all processes; alone, change nothing.

    Names, parameters and buffers stay.
    """
    if processes.count == 1:
        return
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.BatchNorm2d:
                shared = GlobalBatchNorm2d(child.num_features, eps=child.eps, momentum=child.momentum)
                shared.weight, shared.bias = child.weight, child.bias
                shared.load_state_dict(child.state_dict())
                setattr(parent, name, shared.to(child.weight.device))
