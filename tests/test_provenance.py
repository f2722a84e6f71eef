from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from aio_reid import __version__, provenance


def test_hash_json_is_canonical() -> None:
    assert provenance.hash_json({"b": 1, "a": [1.5, "é"]}) == provenance.hash_json({"a": [1.5, "é"], "b": 1})
    assert provenance.hash_json({"a": 1}) != provenance.hash_json({"a": 2})
    assert provenance.hash_json({"a": "é"}) == hashlib.sha256('{"a":"é"}'.encode()).hexdigest()


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": float("inf")}])
def test_hash_json_refuses_numbers_that_are_not_finite(value: object) -> None:
    with pytest.raises(ValueError):
        provenance.hash_json(value)


def test_hash_json_refuses_what_is_not_json() -> None:
    with pytest.raises(TypeError):
        provenance.hash_json({"path": Path("x")})


def test_hash_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"abc" * 1000)
    assert provenance.hash_file(file) == hashlib.sha256(b"abc" * 1000).hexdigest()


def test_provenance_is_plain_json_and_complete() -> None:
    found = provenance.collect_provenance({"lr": 0.1}, seed=3)
    assert json.loads(json.dumps(found)) == found
    assert found["seed"] == 3
    assert found["version"] == __version__
    assert found["config_sha256"] == provenance.hash_json({"lr": 0.1})
    versions = found["versions"]
    assert isinstance(versions, dict)
    assert versions["numpy"] == provenance.package_version("numpy") is not None
    hardware = found["hardware"]
    assert isinstance(hardware, dict)
    assert hardware["cores"] >= 1
    assert 0.1 < hardware["memory_gib"] < 10**5


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_commit_only_of_the_checkout_that_tracks_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "provenance.py"
    source.write_text("one")
    monkeypatch.setattr(provenance, "__file__", str(source))
    assert provenance.find_commit() == (None, None)
    _git(tmp_path, "init", "-q")
    (tmp_path / "other").write_text("other")
    _git(tmp_path, "add", "other")
    _git(tmp_path, "commit", "-q", "-m", "somebody else's")
    assert provenance.find_commit() == (None, None)
    _git(tmp_path, "add", "provenance.py")
    _git(tmp_path, "commit", "-q", "-m", "ours")
    assert provenance.find_commit() == (_git(tmp_path, "rev-parse", "HEAD"), False)
    source.write_text("two")
    assert provenance.find_commit() == (_git(tmp_path, "rev-parse", "HEAD"), True)


def test_collecting_does_not_import_torch() -> None:
    code = (
        "import sys\nfrom aio_reid.provenance import collect_provenance\ncollect_provenance()\n"
        "assert 'torch' not in sys.modules"
    )
    environment = {"PYTHONPATH": str(Path(provenance.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
