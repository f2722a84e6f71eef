"""Numbers for Prometheus, in its text format (version 0.0.4)."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64)

Labels = tuple[tuple[str, str], ...]


class Histogram:
    """Counts values by upper bounds, for each set of labels; the caller holds the lock."""

    def __init__(self, name: str, about: str, bounds: Sequence[float]) -> None:
        self._name, self._about, self._bounds = name, about, bounds
        self._counts: dict[Labels, list[int]] = {}
        self._sums: Counter[Labels] = Counter()

    def add(self, value: float, labels: Labels = ()) -> None:
        """Count one value."""
        counts = self._counts.setdefault(labels, [0] * (len(self._bounds) + 1))
        counts[bisect_left(self._bounds, value)] += 1
        self._sums[labels] += value  # type: ignore[assignment]  # a Counter holds any number

    def lines(self) -> Iterable[str]:
        """Yield the lines of the text format."""
        yield from _title(self._name, "histogram", self._about)
        for labels, counts in sorted(self._counts.items()):
            totals = list(accumulate(counts))
            for bound, total in zip((*map(str, self._bounds), "+Inf"), totals, strict=True):
                yield f"{self._name}_bucket{_braced((*labels, ('le', bound)))} {total}"
            yield f"{self._name}_sum{_braced(labels)} {float(self._sums[labels]):.6f}"
            yield f"{self._name}_count{_braced(labels)} {totals[-1]}"


class Metrics:
    """What the service counts."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._requests: Counter[Labels] = Counter()
        self._refused: Counter[Labels] = Counter()
        self._seconds = Histogram(
            "aio_reid_request_seconds", "Time of a request, from its head to its answer.", SECONDS
        )
        self._batches = Histogram("aio_reid_batch_inputs", "Inputs computed together.", BATCHES)
        self._embedding = Histogram("aio_reid_batch_seconds", "Time of one forward pass.", SECONDS)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered; `route` is the path's template, so that ids make no labels."""
        labels = (("method", method), ("route", route))
        with self._turn:
            self._requests[(*labels, ("status", str(status)))] += 1
            self._seconds.add(seconds, labels)

    def refused(self, code: str) -> None:
        """Count a refusal by its code."""
        with self._turn:
            self._refused[(("code", code),)] += 1

    def batch(self, num_inputs: int, seconds: float) -> None:
        """Count a forward pass."""
        with self._turn:
            self._batches.add(num_inputs)
            self._embedding.add(seconds)

    def text(self, gauges: Mapping[str, tuple[str, Mapping[Labels, float]]]) -> str:
        """Return everything as text; `gauges` maps names to what they mean and present values."""
        with self._turn:
            lines = [
                *_counter("aio_reid_requests_total", "Requests answered.", self._requests),
                *_counter("aio_reid_refused_total", "Requests refused, by code.", self._refused),
                *self._seconds.lines(),
                *self._batches.lines(),
                *self._embedding.lines(),
            ]
        memory: dict[Labels, float] = {(): float(resident_bytes())}
        shown = [*gauges.items(), ("process_resident_memory_bytes", ("Memory in use.", memory))]
        for name, (about, values) in shown:
            lines += [*_title(name, "gauge", about), *(f"{name}{_braced(k)} {v!r}" for k, v in sorted(values.items()))]
        return "\n".join(lines) + "\n"


def resident_bytes() -> int:
    """Return the memory that this process has in use; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _counter(name: str, about: str, counts: Mapping[Labels, int]) -> Iterable[str]:
    yield from _title(name, "counter", about)
    for labels, count in sorted(counts.items()):
        yield f"{name}{_braced(labels)} {count}"


def _title(name: str, kind: str, about: str) -> Iterable[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _braced(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
