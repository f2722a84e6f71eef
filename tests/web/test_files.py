"""The page's files: they exist where they are named, ask no other host, need nothing inline, label what they ask."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from aio_reid.records import Modality
from aio_reid.server.app import page_folder
from aio_reid.server.shell import CONTENT_POLICY

WEB = Path(__file__).parents[2] / "src" / "aio_reid" / "web"
FILES = sorted(path for path in WEB.rglob("*") if path.is_file())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
INDEX = (WEB / "index.html").read_text(encoding="utf-8")
KINDS = [modality.value for modality in Modality if modality.is_visual]
MADE = {f"{part}-{kind}" for part in ("zone", "files", "problem") for kind in KINDS}
"""Ids that zones.js makes, one for each kind of picture."""
MOST_LINES, LONGEST_LINE = 300, 260


class Index(HTMLParser):
    """The elements of the page, as (name, attributes), and those that stand in a label."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.in_label: list[dict[str, str | None]] = []
        self._labels = 0
        self.feed(INDEX)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._labels += tag == "label"
        if self._labels:
            self.in_label.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        self._labels -= tag == "label"

    def values(self, attribute: str) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get(attribute))]


@pytest.fixture(scope="module")
def index() -> Index:
    return Index()


def test_the_package_serves_this_folder() -> None:
    assert page_folder() == WEB
    assert {path.suffix for path in FILES} == {".html", ".css", ".js", ".svg"}


def test_files_that_are_named_exist(index: Index) -> None:
    named = [WEB / value for value in (*index.values("src"), *index.values("href")) if not value.startswith("#")]
    for script in SCRIPTS:
        named += [script.parent / found for found in re.findall(r' from "(\./[^"]+)"', script.read_text("utf-8"))]
        named += [WEB / found for found in re.findall(r'fetch\("([^"]+)"', script.read_text("utf-8"))]
    for sheet in WEB.glob("style/*.css"):
        named += [sheet.parent / found for found in re.findall(r'url\("([^"]+)"\)', sheet.read_text("utf-8"))]
    assert len(named) > 40
    assert [path for path in named if not path.is_file()] == []
    reached = {path.resolve() for path in named} | {WEB / "index.html"}
    assert [path for path in FILES if path not in reached] == []  # and none lies there for nothing


def test_no_other_host_is_named() -> None:
    for path in FILES:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|\bwss?:|[\"'(]//", text), path


def test_the_policy_holds(index: Index) -> None:
    rules = dict(part.strip().split(" ", 1) for part in CONTENT_POLICY.split(";"))
    assert rules["default-src"] == rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["img-src"] == "'self' blob:"  # pictures come with the key in a header, so not by an address
    for tag, attributes in index.elements:
        assert tag != "style" and "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert tag != "script" or attributes.get("src"), "an inline script"
    for script in SCRIPTS:
        text = script.read_text("utf-8")
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\bstyle: ", text), (
            script
        )


def test_ids_are_there_once_and_everything_refers_to_one(index: Index) -> None:
    ids = index.values("id")
    assert len(ids) == len(set(ids))
    known = {*ids, *MADE}
    pointing = [*index.values("for"), *(v[1:] for v in index.values("href") if v.startswith("#"))]
    pointing += [
        word
        for name in ("aria-describedby", "aria-labelledby", "list")
        for v in index.values(name)
        for word in v.split()
    ]
    for script in SCRIPTS:
        pointing += re.findall(r'byId\("([^"]+)"\)', script.read_text("utf-8"))
    assert len(pointing) > 90
    assert [name for name in pointing if name not in known] == []


def test_everything_that_can_be_filled_in_has_a_label(index: Index) -> None:
    labelled = set(index.values("for"))
    fields = [attributes for tag, attributes in index.elements if tag in ("input", "select", "textarea")]
    assert len(fields) > 12
    for attributes in fields:
        assert attributes in index.in_label or attributes.get("id") in labelled, attributes
    assert all(attributes.get("alt") is not None for tag, attributes in index.elements if tag == "img")


def test_the_kinds_of_evidence_are_those_of_the_project() -> None:
    block = re.search(r"KINDS = \{\n(.*?)^\};", (WEB / "js" / "words.js").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert block is not None
    found = dict(re.findall(r'^  (\w+): \{.*letter: "(\w)"', block[1], re.MULTILINE))
    assert found == {modality.value: modality.letter for modality in Modality}


def test_the_files_are_small_and_our_own() -> None:
    for path in FILES:
        lines = path.read_text("utf-8").splitlines()
        assert len(lines) <= MOST_LINES, path
        if path.suffix == ".js":
            assert max(map(len, lines)) <= LONGEST_LINE, path  # nothing minified
        assert not re.search(r"copyright|@license|licen[sc]ed under|sourceMappingURL", "\n".join(lines), re.I), path
