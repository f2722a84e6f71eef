"""Files of SQLite that several processes make at the same time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from aio_reid.gallery import sqlite_file
from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.database import CACHE, FILE_NAME


def test_tables_that_come_while_a_file_is_looked_at_are_not_taken_for_anothers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / FILE_NAME).touch()
    looking = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    real, asked = sqlite_file.number, []

    def ask(connection: sqlite3.Connection, name: str) -> int:
        value = real(connection, name)
        if not asked:
            asked.append(name)
            open_cache(tmp_path).close()  # another process makes the tables just now
        return value

    monkeypatch.setattr(sqlite_file, "number", ask)
    sqlite_file.check_ours(CACHE, looking, "cache")
    assert asked
    looking.close()
