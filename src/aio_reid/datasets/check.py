"""What is wrong with a manifest that can be read: whatever would make a training fail or an evaluation mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from aio_reid.datasets.check_captions import CAPTION_RULES
from aio_reid.datasets.check_files import FILE_RULES, find_same_contents
from aio_reid.datasets.check_ids import ID_RULES
from aio_reid.datasets.check_ranking import RANKING_RULES
from aio_reid.datasets.check_splits import SPLIT_RULES
from aio_reid.datasets.manifest import read_rows
from aio_reid.datasets.remarks import SEVERITIES, Remark, Row, Severity, Table

__all__ = ["Remark", "Severity", "check_manifest"]

Rule = Callable[[Table], Iterator[Remark]]
RULES: tuple[Rule, ...] = (*FILE_RULES, *ID_RULES, *CAPTION_RULES, *SPLIT_RULES, *RANKING_RULES)


def check_manifest(path: Path, *, compare_contents: bool = False) -> list[Remark]:
    """Return what is wrong with a manifest, errors first; nothing when there is nothing to say.

    No picture is opened as a picture; that each is there, and is not empty, is asked of the disk.

    Args:
        path: a .csv or .parquet file.
        compare_contents: also read the pictures of equal size, to find copies of one under several names.

    Raises:
        DataError: the manifest cannot be read, in one line as `read_manifest`.
    """
    rows = [Row(number, cells) for number, cells in enumerate(read_rows(path), start=1)]
    table = Table(path.parent, rows)
    rules = (*RULES, find_same_contents) if compare_contents else RULES
    remarks = [remark for rule in rules for remark in rule(table)]
    return sorted(remarks, key=lambda remark: SEVERITIES.index(remark.severity))
