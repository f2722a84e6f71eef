"""`aio-reid keys`, `aio-reid audit`, and what `aio-reid serve` refuses before it starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from aio_reid.cli.entry import run
from aio_reid.server.audit import AuditLog


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_keys_are_made_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "create", "officer 7", "--scope", "search", "--scope", "enrol"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("aio_") and len(shown.out.splitlines()) == 1 and "not shown again" in shown.err
    assert run(["keys", "list"]) == 0
    listed = capsys.readouterr().out
    assert "officer 7\tsearch,enrol" in listed and shown.out.strip() not in listed
    assert run(["keys", "revoke", "officer 7"]) == 0
    assert run(["keys", "revoke", "officer 7"]) == 2
    assert (tmp_path / "config" / "aio-reid" / "keys.json").stat().st_mode & 0o077 == 0


def test_audit_verify_says_no_by_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    for _ in range(3):
        log.add({"what": "search"})
    log.close()
    assert run(["audit", "verify", str(tmp_path)]) == 0
    anchor = capsys.readouterr().out.strip()
    assert anchor.startswith("3:")
    assert run(["audit", "verify", str(log.path), "--anchor", anchor]) == 0
    log.path.write_bytes(log.path.read_bytes().replace(b"search", b"listed", 1))
    assert run(["audit", "verify", str(log.path), "--anchor", anchor]) == 1
    assert "line 1: was changed" in capsys.readouterr().out


def test_what_serve_refuses_is_one_line(tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    town, village = tmp_path / "town", tmp_path / "village"
    assert run(["gallery", "create", str(town), "--weights", str(weights)]) == 0
    assert run(["gallery", "create", str(village)]) == 0
    log = AuditLog(tmp_path / "audit.jsonl")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = {
            (str(town), "--host", "0.0.0.0"): "aio-reid keys create",
            (str(town), "--port", port): "give another --host or --port",
            (str(town), "--host", "no.such.host.invalid"): "aio-reid keys create",
            (str(tmp_path / "none"), "--port", "0"): "there is no gallery",
            (str(town), str(town), "--port", "0"): "two galleries are called 'town'",
            (str(town), str(village), "--port", "0"): "aio-reid gallery reembed",
            (str(town), "--port", "0", "--audit", str(log.path)): "is being written by another process",
            (str(town), "--port", "0", "--weights", "none"): "weights 'none' not found",
        }
        capsys.readouterr()
        for words, line in refused.items():
            assert run(["serve", *words]) == 2, words
            error = capsys.readouterr().err
            assert line in error and error.count("\n") == 1, (words, error)
    log.close()
