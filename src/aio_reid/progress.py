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
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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


def describe_progress(done: int, total: int | None, unit: str, seconds: float) -> str:
    """Return e.g. "120/500 pictures, 24.0 pictures/s, 16 s left"; rate and rest only where they are known."""
    text = f"{done}/{total} {unit}" if total is not None else f"{done} {unit}"
    if done <= 0 or seconds <= 0:
        return text
    rate = done / seconds
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


class _LineTask:
    def __init__(self, title: str, total: int | None, unit: str, stream: TextIO) -> None:
        self._title, self._total, self._unit, self._stream = title, total, unit, stream
        self._done = 0
        self._note = ""
        self._started = self._printed = time.monotonic()

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count, and print a line when the last one is old enough."""
        self._done += count
        self._note = note
        if time.monotonic() - self._printed >= SECONDS_BETWEEN_LINES:
            self.print_line()

    def print_line(self) -> None:
        self._printed = time.monotonic()
        text = describe_progress(self._done, self._total, self._unit, self._printed - self._started)
        note = f" ({self._note})" if self._note else ""
        print(f"{self._title}: {text}{note}", file=self._stream, flush=True)

    def close(self) -> None:
        """Print the last line, if the work was long enough for any."""
        if self._printed > self._started or time.monotonic() - self._started >= SECONDS_BETWEEN_LINES:
            self.print_line()


class LineProgress:
    """A line every ten seconds, for logs and pipes; short work stays silent."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @contextmanager
    def task(self, title: str, total: int | None, unit: str) -> Iterator[Task]:
        """Open a piece of work."""
        task = _LineTask(title, total, unit, self._stream)
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
            yield _BarTask(lambda done, status: bars.update(row, completed=done, status=status), total, unit)


class _BarTask:
    def __init__(self, redraw: Callable[[int, str], None], total: int | None, unit: str) -> None:
        self._redraw, self._total, self._unit = redraw, total, unit
        self._done = 0
        self._started = time.monotonic()

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count and redraw."""
        self._done += count
        status = describe_progress(self._done, self._total, self._unit, time.monotonic() - self._started)
        self._redraw(self._done, f"{status} {note}".rstrip())


def console_progress() -> Progress:
    """Return bars where stderr is a terminal, else a line every ten seconds."""
    return BarProgress() if sys.stderr.isatty() else LineProgress(sys.stderr)
