"""SYNTH-PEDES on a small copy: training only, parts may be missing, and little memory for each record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import aio_reid
from aio_reid.datasets.synth_pedes import parse
from aio_reid.errors import DataError
from aio_reid.records import Modality, Split


def entry(part: int, person: int, photo: int, *captions: str) -> dict[str, Any]:
    return {
        "id": person,
        "file_path": f"Part{part}/{person}/{photo}.jpg",
        "attributes": ["man,short hair,white shirt,black trousers,unknown,unknown"],
        "captions": list(captions),
        "prompt_caption": ["A man with short hair in a white shirt."],
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    entries = [
        entry(1, 7, 1, "A man in white.", "He has short hair."),
        entry(1, 7, 2, "A man.", "He walks.", "He smiles."),
        entry(2, 8, 1, "A woman.", "She walks."),
        entry(11, 300, 1, "A boy.", ""),
    ]
    (tmp_path / "synthpedes_dataset.json").write_text(json.dumps(entries), encoding="utf-8")
    for part in (1, 11):
        (tmp_path / f"Part{part}").mkdir()
    (tmp_path / "Part2.zip").touch()
    return tmp_path


def test_records_of_the_parts_that_are_there(tree: Path) -> None:
    records = parse(tree)
    assert {r.split for r in records} == {Split.TRAIN}
    assert {r.dataset for r in records} == {
        "synth-pedes (2 of 312321 persons, 3 of 4791771 photos, 6 of 12138157 captions)"
    }
    assert [(r.person_id, r.image_path) for r in records if r.modality is Modality.RGB] == [
        ("7", tree / "Part1/7/1.jpg"),
        ("7", tree / "Part1/7/2.jpg"),
        ("300", tree / "Part11/300/1.jpg"),
    ]
    assert [(r.caption, r.source_image_id) for r in records[3:6]] == [
        ("A man in white.", "Part1/7/1.jpg"),
        ("He has short hair.", "Part1/7/1.jpg"),
        ("A man.", "Part1/7/2.jpg"),
    ]


def test_mistakes_are_named(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(DataError, match="there is no folder 'Part1' to 'Part11' in"):
        parse(tmp_path_factory.mktemp("empty"))
    (tree / "synthpedes_dataset.json").write_text('[{"id": 7}]', encoding="utf-8")
    with pytest.raises(DataError, match="entry 1: there is no 'file_path'"):
        parse(tree)
    (tree / "synthpedes_dataset.json").unlink()
    with pytest.raises(DataError, match=r"there is no synthpedes_dataset\.json in"):
        parse(tree)


def test_millions_of_records_fit_into_memory(tree: Path) -> None:
    """Of 12,138,157 + 4,791,771 records, the docstring promises to be read within 8 GB: less than 400 bytes each."""
    words = " wears a white shirt with short sleeves and a pair of black trousers, and carries a bag"
    entries = [entry(1, n // 15, n, f"Man {n}{words}", f"He {n}{words}", f"{n}{words}"[:90]) for n in range(20_000)]
    (tree / "synthpedes_dataset.json").write_text(json.dumps(entries), encoding="utf-8")
    folders = [str(Path(aio_reid.__file__).parents[1]), *sys.path]
    code = f"import sys\nsys.path[:0] = {folders!r}\nfrom pathlib import Path\nimport tracemalloc\n"
    code += "from aio_reid.datasets.synth_pedes import parse\ntracemalloc.start()\n"
    code += f"records = parse(Path({str(tree)!r}))\nprint(len(records), tracemalloc.get_traced_memory()[1])"
    # A process of its own: the table of names that a process shares grows by megabytes at a time, whenever it is full.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    num_records, peak = map(int, done.stdout.split())
    assert num_records == 4 * len(entries)
    assert peak / num_records < 400
