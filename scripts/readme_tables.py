"""Fills the tables of README.md from results/*.json, so that no number in it is typed by hand.

The part between `<!-- table:NAME -->` and `<!-- /table -->` is replaced by the table of results/NAME.json.

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
MARKED = re.compile(r"<!-- table:(?P<name>[\w-]+) -->\n(?P<body>.*?)<!-- /table -->", re.DOTALL)
MARK = re.compile(r"<!-- (table:[^>]*|/table) -->")


def fill_tables(text: str, results: Path) -> tuple[str, list[str]]:
    """Return the text with every marked part filled, and the names of those that changed.

    Raises:
        DataError: a mark without its counterpart, or a result that is missing or not what it should be.
    """
    changed: list[str] = []

    def fill(part: re.Match[str]) -> str:
        body = to_markdown(make_table(read_result(results / f"{part['name']}.json"))) + "\n"
        if body != part["body"]:
            changed.append(part["name"])
        return f"<!-- table:{part['name']} -->\n{body}<!-- /table -->"

    if len(MARK.findall(text)) != 2 * len(MARKED.findall(text)):
        raise DataError(
            "a table mark has no counterpart; write <!-- table:NAME --> and <!-- /table --> on their own lines"
        )
    return MARKED.sub(fill, text), changed


def main(arguments: Sequence[str]) -> int:
    """Fill or check one file; return the exit code."""
    parser = argparse.ArgumentParser(description="Fill the tables of README.md from results/*.json.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a table is out of date")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    options = parser.parse_args(arguments)
    try:
        text = options.readme.read_text(encoding="utf-8")
        filled, changed = fill_tables(text, options.results)
        if changed and not options.check:
            options.readme.write_text(filled, encoding="utf-8")
    except (AioError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    verb = "is out of date; run python scripts/readme_tables.py" if options.check else "written"
    for name in changed:
        print(f"{options.readme.name}: table {name} {verb}", file=sys.stderr)
    return 1 if changed and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
