"""Every installed package that our requirements lead to has a licence that lets anybody use and pass it on."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

ALLOWED = frozenset(
    {"MIT", "MIT-0", "MIT-CMU", "HPND", "ISC", "Zlib", "BSL-1.0", "Apache-2.0", "PSF-2.0", "CNRI-Python", "CC0-1.0"}
    | {"BSD", "BSD-2-Clause", "BSD-3-Clause", "0BSD"}
)

NAMES: dict[str, str] = {
    "mit": "MIT",
    "mit license": "MIT",
    "bsd": "BSD",
    "bsd license": "BSD",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-2-clause": "BSD-2-Clause",
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "python software foundation license": "PSF-2.0",
}
"""What packages write into the free licence field and the classifiers, as SPDX."""

EXCEPTIONS: dict[str, str] = {
    "tqdm": "MPL-2.0 AND MIT: weak copyleft on its own files, which we neither change nor ship; "
    "huggingface_hub and open_clip bring it",
    "pathspec": "MPL-2.0: as above; mypy brings it, and only the gate runs mypy",
    "certifi": "MPL-2.0: as above, a list of certificates; requests brings it, which only tests use, and pymilvus, "
    "which is optional",
    "orjson": "MPL-2.0 AND (Apache-2.0 OR MIT): as above; pymilvus brings it, which is optional",
    "hypothesis": "MPL-2.0: as above; schemathesis brings it, and only tests use that",
}
"""Packages outside the list that were looked at by a person, with the reason why they may stay."""

OPTIONAL = frozenset(("orjson",))
"""Exceptions that come with an extra which the gate does not need."""

NVIDIA = re.compile(r"(nvidia|cuda)-[a-z0-9-]+")
NVIDIA_LICENCES = {"LicenseRef-NVIDIA-Proprietary", "NVIDIA Proprietary Software", ""}
"""The one exception by name: CUDA libraries under NVIDIA's own terms, which the GPU build of torch brings. Nothing
of ours imports them, they are not passed on with the package, and the CPU build of torch comes without them."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def our_requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(line for lines in project["optional-dependencies"].values() for line in lines)]


def reachable(requirements: Iterable[str]) -> dict[str, importlib.metadata.Distribution]:
    """Return the installed distributions that the requirements lead to, by normal name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [Requirement(line) for line in requirements]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        requirement = waiting.pop()
        extras = tuple(sorted(requirement.extras))
        key = (normal(requirement.name), extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            distribution = importlib.metadata.distribution(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found[key[0]] = distribution
        waiting += [child for child in map(Requirement, distribution.requires or []) if _applies(child, extras)]
    return found


def _applies(requirement: Requirement, extras: tuple[str, ...]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, ""))


def stated_licence(distribution: importlib.metadata.Distribution) -> str:
    """Return the licence as an SPDX expression where it can be told, else what the metadata say ("" for nothing)."""
    fields = distribution.metadata
    expression = fields.get("License-Expression")
    if expression:
        return expression
    classifiers = [line for line in fields.get_all("Classifier") or [] if line.startswith("License ::")]
    names = {line.split("::")[-1].strip() for line in classifiers} - {"OSI Approved"}
    if names:
        return " AND ".join(sorted(NAMES.get(name.lower(), name) for name in names))
    free = (fields.get("License") or "").strip()
    return NAMES.get(free.lower(), free)


def is_allowed(expression: str) -> bool:
    """Tell whether every part of an SPDX expression is in the list (of alternatives, one is enough)."""
    alternatives = re.split(r"\s+OR\s+", expression.replace("(", " ").replace(")", " ").strip())
    return any(all(_part(part) in ALLOWED for part in re.split(r"\s+AND\s+", side)) for side in alternatives)


def _part(text: str) -> str:
    return re.sub(r"\s+WITH LLVM-exception$", "", text.strip())


def test_every_dependency_is_free_to_use() -> None:
    found = reachable(our_requirements())
    assert {"torch", "numpy", "typer", "ruff", "fastapi", "uvicorn", "python-multipart"} <= set(found), (
        "the walk must have found the tree"
    )
    refused = {}
    for name, distribution in found.items():
        licence = stated_licence(distribution)
        nvidia = NVIDIA.fullmatch(name) and licence in NVIDIA_LICENCES
        if not (is_allowed(licence) or nvidia or name in EXCEPTIONS):
            refused[name] = licence
    assert not refused, f"look at these licences: {refused}"


def test_exceptions_are_still_needed_and_still_true() -> None:
    for name, reason in EXCEPTIONS.items():
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            assert name in OPTIONAL, f"{name} is not installed: {reason}"
            continue
        licence = stated_licence(distribution)
        assert "MPL" in licence or "Mozilla" in licence, f"{name} is now {licence}; {reason}"


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND MIT", True),
        ("Apache-2.0 WITH LLVM-exception AND Zlib", True),
        ("GPL-3.0-only OR MIT", True),
        ("AGPL-3.0", False),
        ("MIT AND GPL-2.0-only", False),
        ("", False),
        ("LicenseRef-NVIDIA-Proprietary", False),
    ],
)
def test_expressions_by_hand(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


def test_the_walk_follows_extras_and_markers() -> None:
    assert set(reachable(["no-such-package-at-all"])) == set()
    assert not _applies(Requirement('x; python_version < "3"'), ())
    assert not _applies(Requirement('x; extra == "gpu"'), ())
    assert _applies(Requirement('x; extra == "gpu"'), ("gpu",))


def test_constraints_pin_what_we_require_and_name_no_place() -> None:
    lines = [
        line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[:1] not in "#"
    ]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", line) for line in lines)
    pinned = {normal(line.split("==")[0]) for line in lines}
    missing = {name for name in reachable(our_requirements()) if not NVIDIA.fullmatch(name)} - pinned
    assert not missing
