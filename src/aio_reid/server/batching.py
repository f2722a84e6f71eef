"""Dynamic batching: what many requests want embedded is computed together, by a few threads.

A batch holds inputs of one kind (photos with photos, sentences with sentences) in the order of their arrival. It starts
when it is full, or when its first input has waited a few milliseconds for company; while batches are computed, the next
one gathers. Of several threads none takes more than its share of all that is asked at the moment, of which one share
more is left to gather: else one would compute for everybody while the others have nothing to do. The queue is bounded,
and an input whose request has run out of time is not computed any more.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.server.limits import Limits
from aio_reid.server.model import Input
from aio_reid.server.problems import Refusal, busy, too_late

Vectors = NDArray[np.float32]
Observe = Callable[[int, float], None]
"""Called as observe(inputs, seconds) after each forward pass."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    value: Any
    arrived: float
    deadline: float
    vector: Future[Vectors]


class Batcher:
    """Owns the threads that compute, `num_lanes` of them; `embed` is what `ServiceModel.embed` promises.

    Times are those of `time.monotonic`.
    """

    def __init__(
        self, embed: Callable[[Sequence[Any]], Vectors], limits: Limits, observe: Observe, *, num_lanes: int = 1
    ) -> None:
        self._embed, self._limits, self._observe = embed, limits, observe
        self._queues: dict[Hashable, deque[_Waiting]] = {}
        self._num_waiting = self._num_computing = 0
        self._shares = num_lanes + 1 if num_lanes > 1 else 1
        self._closing = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._run, name=f"aio-reid-batches-{lane}", daemon=True)
            for lane in range(num_lanes)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def num_waiting(self) -> int:
        """How many inputs wait."""
        return self._num_waiting

    def embed(self, inputs: Sequence[Input], deadline: float) -> Vectors:
        """Return one vector per input, float32 (B, E), in their order; waits for them.

        Raises:
            Refusal: there is no room for them all, the deadline has passed, or the service ends.
        """
        waiting = self._enqueue(inputs, deadline)
        try:
            return np.stack([item.vector.result(deadline - time.monotonic()) for item in waiting])
        except TimeoutError:
            raise too_late("the model did not get to this request in time") from None

    def close(self) -> None:
        """Compute what waits, then end the threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _enqueue(self, inputs: Sequence[Input], deadline: float) -> list[_Waiting]:
        now = time.monotonic()
        with self._changed:
            if self._closing:
                raise Refusal(503, "closing", "the service ends", "send it again when it is back", {"Retry-After": "5"})
            if self._num_waiting + len(inputs) > self._limits.queued:
                raise busy("queue_full", f"{self._num_waiting} inputs wait for the model already")
            waiting = [_Waiting(item.value, now, deadline, Future()) for item in inputs]
            for given, item in zip(inputs, waiting, strict=True):
                self._queues.setdefault(given.kind, deque()).append(item)
            self._num_waiting += len(inputs)
            self._changed.notify()
        return waiting

    def _run(self) -> None:
        while batch := self._next_batch():
            self._settle(batch)

    def _next_batch(self) -> list[_Waiting]:
        """Wait for a batch that is due; empty when the service ends."""
        with self._changed:
            while True:
                if not self._queues:
                    if self._closing:
                        return []
                    self._changed.wait()
                    continue
                kind, queue = min(self._queues.items(), key=lambda pair: pair[1][0].arrived)
                left_s = queue[0].arrived + self._limits.batch_wait_s - time.monotonic()
                if len(queue) >= self._limits.batch_size or left_s <= 0 or self._closing:
                    return self._take(kind, queue)
                self._changed.wait(left_s)

    def _take(self, kind: Hashable, queue: deque[_Waiting]) -> list[_Waiting]:
        share = -(-(self._num_waiting + self._num_computing) // self._shares)  # rounded up
        batch = [queue.popleft() for _ in range(min(len(queue), share, self._limits.batch_size))]
        if not queue:
            del self._queues[kind]
        self._num_waiting -= len(batch)
        self._num_computing += len(batch)
        if self._queues:
            self._changed.notify()  # another thread may have slept through the arrival of what is left
        return batch

    def _settle(self, batch: Sequence[_Waiting]) -> None:
        started = time.monotonic()
        computed = iter(self._computed([item for item in batch if item.deadline > started]))
        late = too_late("the model did not get to this request in time")
        outcomes = [next(computed) if item.deadline > started else late for item in batch]
        with self._changed:  # before anybody is told, who may ask again at once
            self._num_computing -= len(batch)
        for item, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                item.vector.set_exception(outcome)
            else:
                item.vector.set_result(outcome)

    def _computed(self, items: Sequence[_Waiting]) -> list[Vectors | Exception]:
        """Return a vector for each input, or why there is none; what cannot be computed fails alone."""
        if not items:
            return []
        started = time.monotonic()
        try:
            vectors = self._embed([item.value for item in items])
            found: list[Vectors | Exception] = [vector for _, vector in zip(items, vectors, strict=True)]
            self._observe(len(items), time.monotonic() - started)
        except Exception as error:  # noqa: BLE001 - the thread must go on; whoever waits is told
            return [error] if len(items) == 1 else [self._computed([item])[0] for item in items]
        return found
