"""The repository itself: sizes, no traces of a machine, and a README whose examples are true."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from aio_reid.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

LARGEST_FILE = 30_000_000
MOST_LINES = 300
MOST_FUNCTION_LINES = 40
# written so that this file does not match it
MACHINE_PATH = re.compile(r"(?:^|[^\w.~$}>)-])/(?:" + "|".join(("work", "tmp", "root", "home", "farm")) + r")/[A-Za-z]")


@cache
def tracked_files() -> list[Path]:
    """Return the files of the checkout; in an unpacked archive, what lies in its folders of sources."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    folders = ("src", "tests", "scripts", "configs", "benchmarks", "results")
    return [path for name in folders for path in (ROOT / name).rglob("*") if path.is_file()]


def sources(*folders: str) -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


def test_no_file_is_larger_than_a_repository_should_hold() -> None:
    assert len(tracked_files()) > 50
    assert [path for path in tracked_files() if path.stat().st_size > LARGEST_FILE] == []


def test_no_path_of_a_machine_is_in_any_file() -> None:
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" in content[:8192]:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            if MACHINE_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_the_pattern_of_machine_paths() -> None:
    for place in ("work", "tmp", "home"):
        assert MACHINE_PATH.search(f"read /{place}/anna/x.png")
    assert not MACHINE_PATH.search("runs/work/anna and https://example.org/home/page and ~/home/x")


def test_no_source_file_is_too_long() -> None:
    files = sources("src", "tests", "scripts", "benchmarks")
    lengths = {str(f.relative_to(ROOT)): len(f.read_text(encoding="utf-8").splitlines()) for f in files}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_function_is_too_long() -> None:
    long = {}
    for path in sources("src", "scripts", "benchmarks"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = function_lines(node)
                if lines > MOST_FUNCTION_LINES:
                    long[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = lines
    assert long == {}


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the length of a function's body without its docstring: a contract should not be short for its own sake."""
    body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_function_lines_by_hand() -> None:
    node = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    a = 1\n\n    return a\n').body[0]
    assert isinstance(node, ast.FunctionDef)
    assert function_lines(node) == 3


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    return [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]


def test_the_readme_has_examples_of_known_kinds_only() -> None:
    fences = re.findall(r"^```(\w*)$", README, re.MULTILINE)
    assert len(fences) % 2 == 0
    assert set(fences) <= {"console", "csv", "python", "yaml", ""}
    assert commands()[0].startswith("aio-reid search FOLDER --text ")


@pytest.mark.parametrize("line", commands())
def test_commands_of_the_readme_exist(line: str) -> None:
    words = shlex.split(line)
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert words[1] in targets
        return
    assert words[0] == "aio-reid", f"an unknown program: {words[0]}"
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while rest and hasattr(command, "commands"):
        assert rest[0] in command.commands, f"no command {rest[0]!r}"
        command = command.commands[rest.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    used = {word.split("=")[0] for word in rest if word.startswith("--")}
    assert used <= known
    command.make_context("aio-reid", list(rest))  # parses values, and misses what is required


@pytest.mark.parametrize("code", blocks("python"))
def test_python_of_the_readme_parses_and_imports_what_exists(code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("aio_reid"):
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names)


def test_files_that_the_documents_link_to_exist() -> None:
    for document in ROOT.glob("*.md"):
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            assert "://" in target or (ROOT / target).exists(), f"{document.name} links to {target}"
    for name in re.findall(r"`((?:configs|scripts|tests|results|benchmarks)/[\w./-]+\.\w+)`", README):
        assert (ROOT / name).exists(), f"README.md names {name}"
