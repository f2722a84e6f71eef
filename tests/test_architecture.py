"""Who may import whom: the imports of src, those inside functions included, against the table of the design."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "aio_reid"


@dataclass(frozen=True)
class Rule:
    """What one folder (or one top-level file) may import of ours, and of third parties."""

    ours: frozenset[str]
    third_party: frozenset[str]


def rule(ours: str = "", third_party: str = "") -> Rule:
    return Rule(frozenset(ours.split()), frozenset(third_party.split()))


VOCABULARY = "records errors"
DRAWING = "numpy PIL cv2 pyarrow"
RULES: dict[str, Rule] = {
    "errors": rule(),
    "storage": rule(),
    "provenance": rule("storage"),
    "progress": rule(third_party="rich"),
    "records": rule("errors"),
    "data_config": rule(VOCABULARY, "pydantic"),
    "config": rule(f"{VOCABULARY} data_config", "pydantic yaml"),
    "people": rule(f"{VOCABULARY} progress", DRAWING),
    "datasets": rule(f"{VOCABULARY} progress storage", DRAWING),
    "losses": rule("", "torch"),
    "models": rule(VOCABULARY, "torch timm open_clip safetensors numpy"),
    "data": rule(f"{VOCABULARY} progress", "torch torchvision PIL numpy cv2 tokenizers ftfy regex"),
    "evaluation": rule(f"{VOCABULARY} progress pages storage", "torch numpy"),
    "training": rule(
        f"{VOCABULARY} progress provenance storage config data_config people datasets losses models data "
        "evaluation api",
        "accelerate torch numpy safetensors yaml",
    ),
    "pages": rule(VOCABULARY, "numpy PIL jinja2"),
    "gallery": rule(f"{VOCABULARY} progress pages storage", "numpy PIL faiss pymilvus"),
    "server": rule(f"gallery {VOCABULARY} storage", "fastapi starlette uvicorn python_multipart pydantic numpy PIL"),
    "weights": rule("errors"),
    "inputs": rule(VOCABULARY, "numpy PIL"),
    "api": rule(f"{VOCABULARY} inputs models data weights", "torch numpy"),
    "search_embedder": rule(f"{VOCABULARY} gallery weights api"),
    "service_model": rule(f"{VOCABULARY} gallery server api provenance", "numpy torch"),
}
EVERYTHING = " ".join(RULES)
RULES["doctor"] = rule(EVERYTHING, "numpy torch")
RULES["demo"] = rule(EVERYTHING, "numpy")
RULES["cli"] = rule(f"{EVERYTHING} doctor demo", "typer rich")
RULES["__main__"] = rule("cli")

ONE_FILE_ONLY: dict[str, Rule] = {
    "datasets/matlab.py": rule(third_party="scipy"),
    "models/build.py": rule("config"),
    "evaluation/embed.py": rule("data"),
    "evaluation/pictures/projection.py": rule(third_party="sklearn"),
    "evaluation/run.py": rule("config datasets api provenance"),
    "evaluation/rows.py": rule("datasets"),
    "evaluation/suite.py": rule("datasets api provenance"),
}
"""What one file may import beyond the rule of its folder: where configuration and layers meet."""


@dataclass(frozen=True)
class Import:
    """One imported module, by its full name, and where."""

    module: str
    line: int


def find_imports(source: str) -> Iterator[Import]:
    """Yield every import in the source, wherever it stands; a relative one as ".", a computed one as "?"."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _of_from(node)
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            first = node.args[0] if node.args else None
            literal = isinstance(first, ast.Constant) and isinstance(first.value, str)
            yield Import(str(first.value) if literal and isinstance(first, ast.Constant) else "?", node.lineno)


def _of_from(node: ast.ImportFrom) -> Iterator[Import]:
    if node.level:
        yield Import(".", node.lineno)
    elif node.module == "aio_reid":
        yield from (Import(f"aio_reid.{alias.name}", node.lineno) for alias in node.names)
    else:
        yield Import(node.module or ".", node.lineno)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def find_violations(path: str, source: str) -> list[str]:
    """Return one line per import that the file at `path` (relative to the package) may not do."""
    unit = path.split("/")[0].removesuffix(".py")
    if unit not in RULES:
        return [f"{path}: {unit!r} stands in no row of the table"] if unit != "__init__" else []
    extra = ONE_FILE_ONLY.get(path, rule())
    ours = RULES[unit].ours | extra.ours | {unit}
    third_party = RULES[unit].third_party | extra.third_party
    lines = []
    for found in find_imports(source):
        parts = found.module.split(".")
        if parts[0] == "aio_reid":
            allowed = len(parts) > 1 and (parts[1] in ours or parts[1] == "__version__")
        else:
            allowed = parts[0] in sys.stdlib_module_names or parts[0] in third_party
        if not allowed:
            lines.append(f"{path}:{found.line}: {unit} may not import {found.module}")
    return lines


def source_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_imports_follow_the_table() -> None:
    files = source_files()
    assert len(files) > 20
    violations: list[str] = []
    for file in files:
        violations += find_violations(file.relative_to(PACKAGE).as_posix(), file.read_text(encoding="utf-8"))
    assert not violations, "\n".join(violations)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("gallery/x.py", "import torch"),
        ("server/x.py", "import torch"),
        ("server/x.py", "from aio_reid.api import AIO"),
        ("gallery/x.py", "def f():\n    from aio_reid.models.model import AIOModel"),
        ("models/model.py", "from aio_reid.config import ModelConfig"),
        ("models/model.py", "from aio_reid.data.images import read_image"),
        ("models/model.py", "from aio_reid import data"),
        ("models/model.py", "import aio_reid"),
        ("evaluation/ranking.py", "from aio_reid.training.run import train"),
        ("evaluation/report.py", "from aio_reid.config import RunConfig"),
        ("people/photo.py", "import torch.nn.functional as F"),
        ("losses/identity.py", "import numpy as np"),
        ("training/run.py", "from aio_reid.cli.app import app"),
        ("data/images.py", "from ..models import model"),
        ("records.py", "import importlib\nimportlib.import_module('torch')"),
        ("training/run.py", "import importlib\nimportlib.import_module(name)"),
        ("datasets/regdb.py", "def f():\n    from scipy.io import loadmat"),
        ("novelty/x.py", "import os"),
    ],
)
def test_a_forbidden_import_is_caught(path: str, line: str) -> None:
    assert len(find_violations(path, line)) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("models/build.py", "from aio_reid.config import ModelConfig"),
        ("evaluation/run.py", "from aio_reid.datasets.manifest import read_manifest"),
        ("evaluation/embed.py", "from aio_reid.data.images import read_image"),
        ("gallery/store.py", "import sqlite3\nimport numpy as np\nfrom aio_reid.gallery.scan import scan"),
        ("training/run.py", "from accelerate import Accelerator\nfrom aio_reid.losses.binding import bind"),
        ("__main__.py", "from aio_reid.cli.entry import main"),
        ("__init__.py", "from __future__ import annotations"),
    ],
)
def test_an_allowed_import_passes(path: str, line: str) -> None:
    assert find_violations(path, line) == []


def test_package_files_are_light() -> None:
    """Importing one module imports the __init__ of every folder above it: they may cost the command line nothing."""
    for file in PACKAGE.rglob("__init__.py"):
        for found in find_imports(file.read_text(encoding="utf-8")):
            parts = found.module.split(".")
            is_light = parts[0] in sys.stdlib_module_names or found.module in ("aio_reid.errors", "aio_reid.records")
            assert is_light, f"{file.relative_to(ROOT)} imports {found.module}"


OPTIONAL = {"faiss", "pymilvus", "sklearn", "fastapi", "starlette", "uvicorn", "python_multipart"}
USED_WITHOUT_IMPORT = {
    "open-clip-torch": "data/text.py reads the list of byte pairs that it ships",
    "tensorboard": "torch.utils.tensorboard needs it",
}


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {_normal(re.split(r"[<>=!~\[; ]", line)[0]) for line in project["dependencies"]}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_import_is_declared_and_every_requirement_is_used() -> None:
    distributions = importlib.metadata.packages_distributions()
    used: set[str] = set()
    for file in source_files():
        for found in find_imports(file.read_text(encoding="utf-8")):
            top = found.module.split(".")[0]
            if top not in sys.stdlib_module_names and top not in OPTIONAL | {"aio_reid"}:
                used |= {_normal(name) for name in distributions.get(top, [f"{top} (not installed)"])}
    declared = _declared()
    assert used - declared == set(), "imported, but not in pyproject.toml"
    assert declared - used - set(USED_WITHOUT_IMPORT) == set(), "in pyproject.toml, but not imported"
