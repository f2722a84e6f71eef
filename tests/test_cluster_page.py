"""docs/cluster.md: its commands exist, with the options and arguments that it shows. They need a server to run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from aio_reid.cli.app import app

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", LINES)
def test_commands_of_the_page_exist(line: str) -> None:
    words = shlex.split(line)
    if words[0] == "make":
        assert f"\n{words[1]}: " in (ROOT / "Makefile").read_text(encoding="utf-8")
        return
    assert words[:2] == ["aio-reid", "gallery"]
    root: Any = typer.main.get_command(app)
    command = root.commands["gallery"].commands[words[2]]
    context = command.make_context("aio-reid", words[3:])
    assert any(str(value) == "milvus://db.example.org:19530/town" for value in context.params.values())
