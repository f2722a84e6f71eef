from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import aio_reid
from aio_reid.errors import ConfigError, DataError, StorageError
from aio_reid.server import audit, audit_check
from aio_reid.server.audit import AuditLog, head_file
from aio_reid.server.audit_check import check_audit

Lines = list[bytes]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of eight lines."""
    path = tmp_path / "audit.jsonl"
    open_log = AuditLog(path)
    for number in range(8):
        assert open_log.add({"who": "a", "what": "search", "number": number}) == number + 1
    open_log.close()
    return path


def test_a_whole_log_is_in_order(log: Path) -> None:
    found = check_audit(log)
    assert (found.num_lines, found.problems, found.is_torn) == (8, (), False)
    assert check_audit(log, found.anchor).problems == ()
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["previous"] for entry in entries] == [audit.START, *(entry["hash"] for entry in entries[:-1])]
    assert log.stat().st_mode & 0o077 == 0
    again = AuditLog(log)
    assert again.add({"what": "more"}) == 9
    again.close()
    assert check_audit(log, found.anchor).problems == ()  # an old anchor holds for a longer log


def rehashed(line: bytes) -> bytes:
    entry = json.loads(line)
    return (json.dumps({**entry, "who": "b", "hash": audit.line_hash({**entry, "who": "b"})}) + "\n").encode()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [*lines[:3], lines[3].replace(b'"a"', b'"b"'), *lines[4:]], "line 4: was changed"),
        (lambda lines: [*lines[:3], rehashed(lines[3]), *lines[4:]], "line 5: does not follow"),
        (lambda lines: [*lines[:3], *lines[4:]], "line 4: has the number 5 after 3"),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "line 4: has the number 5 after 3"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], "line 4: has the number 3 after 3"),
        (lambda lines: [*lines[:3], b"{}\n", *lines[3:]], "line 4: is no line of an audit log"),
        (lambda lines: lines[1:], "line 1: has the number 2 after 0"),
        (lambda lines: lines[:5], "the end was cut off"),
        (lambda lines: [], "the end was cut off"),
        (lambda lines: [*lines[:7], rehashed(lines[7])], "not the one that the head names"),
    ],
)
def test_tampering_is_found(log: Path, change: Callable[[Lines], Lines], line: str) -> None:
    log.write_bytes(b"".join(change(log.read_bytes().splitlines(keepends=True))))
    assert line in check_audit(log).problems[0]


def test_the_anchor_of_an_empty_log_holds(log: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    anchor = check_audit(empty).anchor
    assert anchor.startswith("0:") and check_audit(log, anchor).problems == ()


def test_an_end_cut_off_with_its_head_is_found_by_an_anchor_only(log: Path) -> None:
    anchor = check_audit(log).anchor
    lines = log.read_bytes().splitlines(keepends=True)[:5]
    log.write_bytes(b"".join(lines))
    last = json.loads(lines[-1])
    head_file(log).write_text(f"{last['n']:>20} {last['hash']}\n")
    assert check_audit(log).problems == ()
    assert "line 8 is not the one of the anchor" in check_audit(log, anchor).problems[0]
    head_file(log).unlink()
    assert "head is missing" in check_audit(log).problems[0]


def test_a_log_that_was_cut_is_not_gone_on_with(log: Path) -> None:
    whole = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(whole[:5]))
    with pytest.raises(StorageError, match="its head says 8 lines, 5 are there"):
        AuditLog(log)
    log.write_bytes(b"".join([*whole[:7], whole[7].replace(b'"a"', b'"b"')]))
    with pytest.raises(StorageError, match="cannot be trusted"):
        AuditLog(log)


@pytest.mark.parametrize("torn", [b"{", b'{"n": 9, "what": "sea', bytes(100)])
def test_a_line_cut_by_a_kill_is_cut_off_and_told(log: Path, torn: bytes) -> None:
    with log.open("ab") as file:
        file.write(torn)
    found = check_audit(log)
    assert found.is_torn and found.problems == () and found.num_lines == 8
    AuditLog(log).close()
    entry = json.loads(log.read_bytes().splitlines()[-1])
    assert (entry["n"], entry["what"], entry["cut_bytes"]) == (9, "recovered", len(torn))
    assert check_audit(log).problems == () and not check_audit(log).is_torn


def test_one_process_at_a_time(log: Path) -> None:
    first = AuditLog(log)
    with pytest.raises(StorageError, match="is being written by another process"):
        AuditLog(log)
    first.close()
    AuditLog(log).close()


def test_a_killed_process_loses_no_acknowledged_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    code = (
        "import sys; from pathlib import Path; from aio_reid.server.audit import AuditLog\n"
        "log = AuditLog(Path(sys.argv[1]))\n"
        "while True: print(log.add({'what': 'x' * 500}), flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(aio_reid.__file__).parents[1])}
    last = 0
    for _ in range(3):
        command = [sys.executable, "-c", code, str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        for _ in range(20):
            last = int(process.stdout.readline())
        process.kill()
        rest = process.stdout.read().split("\n")
        last = max([last, *(int(number) for number in rest[:-1] if number)])
        process.stdout.close()
        process.wait()
        found = check_audit(path)
        assert found.problems == () and found.num_lines >= last


def test_lines_of_many_threads_are_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(lambda n: log.add({"what": str(n)}), range(200)))
    log.close()
    assert sorted(numbers) == list(range(1, 201))
    whats = [json.loads(line)["what"] for line in path.read_text().splitlines()]
    assert [whats[number - 1] for number in numbers] == [str(n) for n in range(200)]
    assert check_audit(path).problems == ()


def test_lines_that_are_added_while_a_log_is_checked_are_no_tampering(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = audit_check._lines

    def read_then_add(path: Path) -> Lines:
        lines = list(real(path))
        running = AuditLog(path)
        running.add({"what": "a search meanwhile"})
        running.close()
        return lines

    monkeypatch.setattr("aio_reid.server.audit_check._lines", read_then_add)
    assert check_audit(log).problems == ()


def test_a_head_that_cannot_be_written_lags_and_nothing_fails(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_log = AuditLog(log)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.pwrite", full)
        assert open_log.add({"what": "in the log"}) == 9
    assert open_log.add({"what": "and the next"}) == 10
    open_log.close()
    assert check_audit(log).problems == () and check_audit(log).num_lines == 10


def test_on_a_full_disk_nothing_half_written_stays(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = log.read_bytes()
    open_log = AuditLog(log)
    real = audit._write_all

    def write_half(descriptor: int, data: bytes) -> None:
        real(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("aio_reid.server.audit._write_all", write_half)
    with pytest.raises(StorageError, match="No space left"):
        open_log.add({"what": "lost"})
    assert log.read_bytes() == before
    monkeypatch.setattr("aio_reid.server.audit._write_all", real)
    assert open_log.add({"what": "kept"}) == 9
    open_log.close()
    assert check_audit(log).problems == ()


def test_mistakes(tmp_path: Path, log: Path) -> None:
    with pytest.raises(DataError, match="there is no audit log"):
        check_audit(tmp_path / "none")
    with pytest.raises(ConfigError, match="NUMBER:HASH"):
        check_audit(log, "8")
    with pytest.raises(StorageError, match="give --audit FILE"):
        AuditLog(log / "below a file")
