"""Fills the tables of README.md, the model card and benchmarks/*.md from results/*.json: no number is typed by hand.

The part between `<!-- table:NAME -->` and `<!-- /table -->` is replaced by the table of results/NAME.json. Where a
result has several, `<!-- table:NAME:VIEW -->` is filled with another one.

    python scripts/readme_tables.py            write
    python scripts/readme_tables.py --check    only say what is out of date; exit code 1 if anything is
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from aio_reid.errors import AioError, DataError
from aio_reid.evaluation.report import make_table, read_result, to_markdown

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "src" / "aio_reid" / "weights" / "aio-nano.md",
    *sorted((ROOT / "benchmarks").glob("*.md")),
)
MARKED = re.compile(r"<!-- table:(?P<name>[\w-]+)(?::(?P<view>[\w-]+))? -->\n(?P<body>.*?)<!-- /table -->", re.DOTALL)
MARK = re.compile(r"<!-- (table:[^>]*|/table) -->")


def fill_tables(text: str, results: Path) -> tuple[str, list[str]]:
    """Return the text with every marked part filled, and the names of those that changed.

    Raises:
        DataError: a mark without its counterpart, or a result that is missing or not what it should be.
    """
    changed: list[str] = []

    def fill(part: re.Match[str]) -> str:
        table = make_table(read_result(results / f"{part['name']}.json"), part["view"])
        name = part["name"] + (f":{part['view']}" if part["view"] else "")
        body = to_markdown(table) + "\n"
        if body != part["body"]:
            changed.append(name)
        return f"<!-- table:{name} -->\n{body}<!-- /table -->"

    if len(MARK.findall(text)) != 2 * len(MARKED.findall(text)):
        raise DataError(
            "a table mark has no counterpart; write <!-- table:NAME --> and <!-- /table --> on their own lines"
        )
    return MARKED.sub(fill, text), changed


def update(file: Path, results: Path, *, write: bool) -> list[str]:
    """Return the names of the tables of a file that are out of date, and bring them up to date if `write`."""
    filled, changed = fill_tables(file.read_text(encoding="utf-8"), results)
    if changed and write:
        file.write_text(filled, encoding="utf-8")
    return changed


def main(arguments: Sequence[str]) -> int:
    """Fill or check the documents; return the exit code."""
    parser = argparse.ArgumentParser(description="Fill the tables of the documents from results/*.json.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a table is out of date")
    parser.add_argument(
        "--readme", type=Path, action="append", help="files to fill; default: README, model card, benchmarks"
    )
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    options = parser.parse_args(arguments)
    try:
        changed = [
            f"{file.name}: table {name}"
            for file in options.readme or DOCUMENTS
            for name in update(file, options.results, write=not options.check)
        ]
    except (AioError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    verb = "is out of date; run python scripts/readme_tables.py" if options.check else "written"
    for table in changed:
        print(f"{table} {verb}", file=sys.stderr)
    return 1 if changed and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
