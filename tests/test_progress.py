from __future__ import annotations

import io

import pytest

from aio_reid import progress
from aio_reid.progress import SILENT, LineProgress, count_steps, describe_progress, format_seconds


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (245, "4 min 05 s"), (7830, "2 h 10 min")]
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_rate_and_rest_by_hand() -> None:
    assert describe_progress(120, 500, "pictures", 24.0) == "120/500 pictures, 24.0 pictures/s, 16 s left"
    assert describe_progress(2, 4, "runs", 0.25) == "2/4 runs, 4.0 s each, 8 s left"
    assert describe_progress(4, 4, "runs", 0.5) == "4/4 runs, 2.0 s each"
    assert describe_progress(7, None, "files", 7.0) == "7 files, 7.0 files/s"
    assert describe_progress(0, 9, "files", None) == "0/9 files"


def test_lines_come_every_ten_seconds_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with LineProgress(stream).task("Drawing", total=30, unit="people") as task:
        task.advance(0)
        for _ in range(30):
            now[0] += 1.0
            task.advance(note="well")
    lines = stream.getvalue().splitlines()
    assert lines == [
        "Drawing: 10/30 people, 1.0 people/s, 20 s left (well)",
        "Drawing: 20/30 people, 1.0 people/s, 10 s left (well)",
        "Drawing: 30/30 people, 1.0 people/s (well)",
    ]


def test_short_work_is_silent() -> None:
    stream = io.StringIO()
    with LineProgress(stream).task("Drawing", total=3, unit="people") as task:
        task.advance(3)
    assert stream.getvalue() == ""
    with SILENT.task("Drawing", total=None, unit="people") as task:
        task.advance()


def test_bar_counts_and_leaves_stdout_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.BarProgress().task("Drawing", total=3, unit="people") as task:
        task.advance(2)
        task.advance(1, note="done")
    assert capsys.readouterr().out == ""


def test_steps_become_tasks_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with count_steps(LineProgress(stream), {"read": ("Reading", "files")}) as report:
        for step, done in [("read", 5), ("read", 8), ("embed", 2), ("embed", 4)]:
            now[0] += 20.0
            report(step, done, 8)
    assert stream.getvalue().splitlines() == [
        "Reading: 8/8 files, 6.7 s each",
        "embed: 4/8 steps, 10.0 s each, 40 s left",
    ]


def test_the_rate_leaves_out_what_an_earlier_run_did(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with LineProgress(stream).task("Drawing", total=1000, unit="people") as task:
        task.advance(900)
        now[0] = 10.0
        task.advance(50)
    assert stream.getvalue() == "Drawing: 950/1000 people, 5.0 people/s, 10 s left\n"
