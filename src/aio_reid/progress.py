"""Progress of long work: what a function reports to, and the form that a person sees.

A function that works long takes `progress: Progress = SILENT` and reports units of work; it does not know who watches:

    with progress.task("Embedding", total=len(paths), unit="pictures") as task:
        for path in paths:
            ...
            task.advance()
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol, TextIO

SECONDS_BETWEEN_LINES = 10.0


class Task(Protocol):
    """One piece of work that is under way."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Report that `count` more units are done; `note` is a short text shown beside, e.g. the present loss."""


class Progress(Protocol):
    """Receives reports of long work."""

    def task(self, title: str, total: int | None, unit: str) -> AbstractContextManager[Task]:
        """Open a piece of work of `total` units (None: not known), counted in `unit`, a plural noun."""


class _SilentTask:
    def advance(self, count: int = 1, note: str = "") -> None:
        """Nobody watches."""


class _Silent:
    @contextmanager
    def task(self, title: str, total: int | None, unit: str) -> Iterator[Task]:
        """Open work that nobody watches."""
        yield _SilentTask()


SILENT: Progress = _Silent()


def describe_progress(done: int, total: int | None, unit: str, rate: float | None) -> str:
    """Return e.g. "120/500 pictures, 24.0 pictures/s, 16 s left"; rate (units per second) and rest only where known."""
    text = f"{done}/{total} {unit}" if total is not None else f"{done} {unit}"
    if not rate:
        return text
    text += f", {rate:.1f} {unit}/s" if rate >= 1 else f", {1 / rate:.1f} s each"
    if total is not None and done < total:
        text += f", {format_seconds((total - done) / rate)} left"
    return text


def format_seconds(seconds: float) -> str:
    """Return a duration for people: "16 s", "4 min 05 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class _Counter:
    """Counts units. The rate leaves out the first report: it may be work of an earlier run, and has no beginning."""

    def __init__(self, total: int | None, unit: str) -> None:
        self._total, self._unit = total, unit
        self.done = 0
        self._first: tuple[int, float] | None = None
        self._last_at = 0.0

    def add(self, count: int) -> None:
        self.done += count
        self._last_at = time.monotonic()
        if self._first is None:
            self._first = (self.done, self._last_at)

    def describe(self, note: str) -> str:
        first_done, first_at = self._first or (0, 0.0)
        seconds = self._last_at - first_at
        rate = (self.done - first_done) / seconds if seconds > 0 else None
        return describe_progress(self.done, self._total, self._unit, rate) + (f" ({note})" if note else "")


class _LineTask:
    def __init__(self, title: str, counter: _Counter, stream: TextIO) -> None:
        self._title, self._counter, self._stream = title, counter, stream
        self._note = ""
        self._printed = time.monotonic()
        self._num_printed: int | None = None

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count, and print a line when the last one is old enough."""
        self._counter.add(count)
        self._note = note
        if time.monotonic() - self._printed >= SECONDS_BETWEEN_LINES:
            self.print_line()

    def print_line(self) -> None:
        self._printed = time.monotonic()
        self._num_printed = self._counter.done
        print(f"{self._title}: {self._counter.describe(self._note)}", file=self._stream, flush=True)

    def close(self) -> None:
        """Print the last line, if the work was long enough for any and it says something new."""
        if self._num_printed not in (None, self._counter.done):
            self.print_line()


class LineProgress:
    """A line every ten seconds, for logs and pipes; short work stays silent."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @contextmanager
    def task(self, title: str, total: int | None, unit: str) -> Iterator[Task]:
        """Open a piece of work."""
        task = _LineTask(title, _Counter(total, unit), self._stream)
        yield task
        task.close()


class BarProgress:
    """A bar in the terminal (stderr) with count, rate and time left."""

    @contextmanager
    def task(self, title: str, total: int | None, unit: str) -> Iterator[Task]:
        """Open a piece of work."""
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[status]}"))
        with RichProgress(*columns, console=Console(stderr=True), transient=True) as bars:
            row = bars.add_task(title, total=total, status="")
            yield _BarTask(lambda done, status: bars.update(row, completed=done, status=status), _Counter(total, unit))


class _BarTask:
    def __init__(self, redraw: Callable[[int, str], None], counter: _Counter) -> None:
        self._redraw, self._counter = redraw, counter

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count and redraw."""
        self._counter.add(count)
        self._redraw(self._counter.done, self._counter.describe(note))


def console_progress() -> Progress:
    """Return bars where stderr is a terminal, else a line every ten seconds."""
    return BarProgress() if sys.stderr.isatty() else LineProgress(sys.stderr)


@contextmanager
def count_steps(progress: Progress, titles: Mapping[str, tuple[str, str]]) -> Iterator[Callable[[str, int, int], None]]:
    """Yield report(step, done, total) for work in steps, one after the other; `titles` is {step: (title, unit)}."""
    with ExitStack() as stack:
        current: list[tuple[str, Task]] = []
        before = 0

        def report(step: str, done: int, total: int) -> None:
            nonlocal before
            if not current or current[-1][0] != step:
                stack.close()
                title, unit = titles.get(step, (step, "steps"))
                current.append((step, stack.enter_context(progress.task(title, total, unit))))
                before = 0
            current[-1][1].advance(done - before)
            before = done

        yield report
