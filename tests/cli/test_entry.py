from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aio_reid import __version__
from aio_reid.cli import entry
from aio_reid.cli.app import app
from aio_reid.errors import AioError, ConfigError, DataError, PictureError, StorageError, TextError, WeightsError

SOURCE = Path(entry.__file__).parents[2]
COMMANDS = [
    "search",
    "demo",
    "doctor",
    "cache",
    "cache stats",
    "cache clear",
    "data",
    "data list",
    "data verify",
    "data check",
    "gallery",
    "gallery create",
    "gallery add",
    "gallery search",
    "gallery remove",
    "gallery erase",
    "gallery stats",
    "gallery verify",
    "gallery export",
    "gallery import",
    "gallery calibrate",
    "gallery index",
    "gallery reembed",
    "serve",
    "keys",
    "keys create",
    "keys list",
    "keys revoke",
    "audit",
    "audit verify",
    "people",
    "synthesize",
    "train",
    "pretrain",
    "evaluate",
    "compare",
    "export-weights",
]


def fail_with(error: BaseException) -> Callable[..., int]:
    def run(*arguments: object, **options: object) -> int:
        raise error

    return run


def only_line(capsys: pytest.CaptureFixture[str]) -> str:
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.strip().splitlines()
    assert len(lines) == 1, shown.err
    return lines[0]


@pytest.mark.parametrize(
    "kind", [AioError, ConfigError, DataError, PictureError, TextError, StorageError, WeightsError]
)
def test_our_errors_are_one_line(
    kind: type[AioError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entry, "_run", fail_with(kind("seven is too many;\nallowed are two")))
    assert entry.run(["search"]) == 2
    assert only_line(capsys) == "error: seven is too many; allowed are two"


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (["serach", "x"], "see: aio-reid --help"),
        (["search", "--topp", "3"], "see: aio-reid search --help"),
        (["gallery", "serach"], "see: aio-reid gallery --help"),
        (["gallery", "search", "town", "--topp", "3"], "see: aio-reid gallery search --help"),
    ],
)
def test_help_is_named_as_far_as_the_words_are_commands(
    words: list[str], end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.run(words) == 2
    assert only_line(capsys).endswith(end)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "hits.html"),
            "'hits.html': no space left on device; free some",
        ),
        (PermissionError(errno.EACCES, "Permission denied", b"a\xff"), "permission denied; check the permissions"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x.yaml"), "'x.yaml': no such file or directory"),
        (OSError("the disk is odd"), "error: the disk is odd"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    error: Exception, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entry, "_run", fail_with(error))
    assert entry.run([]) == 2
    assert line in only_line(capsys)


def test_an_interrupt_is_one_line_and_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(entry, "_run", fail_with(KeyboardInterrupt()))
    assert entry.run([]) == 130
    assert "stopped" in only_line(capsys)


def test_an_interrupt_inside_a_command_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from aio_reid.gallery import cache

    monkeypatch.setattr(cache, "open_cache", fail_with(KeyboardInterrupt()))
    assert entry.run(["cache", "stats"]) == 130
    assert "stopped" in only_line(capsys)


def test_a_bug_leaves_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(entry.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(entry, "_run", fail_with(ZeroDivisionError("division by zero")))
    assert entry.run(["search", "pictures"]) == 70
    line = only_line(capsys)
    (report,) = tmp_path.iterdir()
    assert str(report) in line
    assert "ZeroDivisionError: division by zero" in line
    text = report.read_text(encoding="utf-8")
    assert "Traceback" in text
    assert "['search', 'pictures']" in text
    assert __version__ in text


def test_a_bug_on_a_full_disk_is_still_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(entry.tempfile, "tempdir", str(tmp_path / "missing"))
    monkeypatch.setattr(entry, "_run", fail_with(ZeroDivisionError("division by zero")))
    assert entry.run([]) == 70
    assert "could not be written" in only_line(capsys)


class OutOfMemoryError(RuntimeError):
    """Stands for torch's error of that name."""


def test_a_full_gpu_is_not_a_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(entry, "_run", fail_with(OutOfMemoryError("CUDA out of memory")))
    assert entry.run([]) == 2
    assert "--device cpu" in only_line(capsys)
    assert entry.run(["pretrain", "x.yaml"]) == 2
    line = only_line(capsys)
    assert "--device" not in line and "--set optim.micro_batches=N" in line


def test_a_full_memory_is_not_a_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    def use_too_much(arguments: list[str]) -> int:
        return len(torch.empty(1 << 60, dtype=torch.uint8))

    monkeypatch.setattr(entry, "_run", use_too_much)
    assert entry.run(["search", "x"]) == 2
    assert only_line(capsys).startswith("error: not enough memory; close other programs, or work on fewer")
    assert entry.run(["train", "x.yaml"]) == 2
    assert "--set optim.micro_batches=N" in only_line(capsys)


def test_what_an_encoding_lacks_is_replaced() -> None:
    code = "from aio_reid.cli import entry\nentry._run = lambda arguments: print('no mAP: \\u2013') or 0\nentry.main()"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"no mAP: ?\n", b"")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["serch"], "'search'"),
        (["search"], "folder"),
        (["search", "x", "--colour", "red"], "--colour"),
        (["search", "x", "--top", "many"], "--top"),
        (["people", "x", "--identities", "0"], "--identities"),
        (["people", "x", "--size", "big"], "256x128"),
        (["search", "x", "--html"], "--html"),
        (["cache", "polish"], "polish"),
        (["--colour"], "--colour"),
    ],
)
def test_wrong_options_are_one_line(arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(arguments) == 2
    line = only_line(capsys)
    assert line.startswith("error: ")
    assert part in line


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["--version"]) == 0
    assert capsys.readouterr().out == f"aio-reid {__version__}\n"


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run([]) == 0
    assert "search" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run([*command.split(), "--help"]) == 0
    assert re.search(r"Usage: aio-reid " + command, capsys.readouterr().out)


def test_the_list_of_commands_is_complete() -> None:
    groups = {info.name for info in app.registered_groups}
    names = {info.name for info in app.registered_commands} | groups
    assert names == {command.split()[0] for command in COMMANDS}


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


def test_help_imports_nothing_heavy() -> None:
    heavy = ["torch", "timm", "numpy", "PIL", "cv2", "pyarrow", "rich", "aio_reid.gallery", "aio_reid.config"]
    code = (
        "import sys\nfrom aio_reid.cli.entry import run\nassert run(['search', '--help']) == 0\n"
        f"found = [name for name in {heavy} if name in sys.modules]\nassert not found, found"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "aio_reid", "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment)
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr == ""
