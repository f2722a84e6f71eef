from __future__ import annotations

import csv
import errno
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest
from gallery_fakes import COLOURS, ColourFactory, write_picture
from PIL import Image

from aio_reid.errors import StorageError
from aio_reid.gallery.demo_page import DemoHit, DemoQuery, DemoRow, write_demo_page
from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.outputs import CSV_HEADER, check_writable, table_rows, write_csv, write_html, write_json
from aio_reid.gallery.page import shown_parts
from aio_reid.gallery.result import STATEMENT, SearchResult
from aio_reid.gallery.search import search_folder
from aio_reid.pages.thumbnails import thumbnail
from aio_reid.records import Modality

NASTY_NAME = "\"><script>alert('x')<\\script> & {{ 7*7 }} \n\x1b[31m.png"
NASTY_TEXT = 'red </blockquote><img src="https://example.org/x.png" onerror=alert(1)> {{ 7*7 }} jacket of seven eight'


class Page(HTMLParser):
    """Collects tags with attributes, and the text that can be seen."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open[-1:]):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def assert_self_contained(page: Page) -> None:
    """Nothing that a browser would fetch: every address is a data URI, and the policy of the page forbids the rest."""
    loading = ("src", "srcset", "href", "action", "poster", "data", "formaction", "background", "xlink:href")
    for tag, attributes in page.tags:
        for name in loading:
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, name)
        assert not [name for name in attributes if name.startswith("on")]
        assert "url(" not in (attributes.get("style") or "")
    assert {tag for tag, _ in page.tags}.isdisjoint({"link", "iframe", "object", "embed", "base", "form"})
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'; img-src data:;")


def test_a_file_that_is_another_picture_by_now_is_not_shown(people: Path, tmp_path: Path) -> None:
    result = search_folder(people, [QueryPart(Modality.TEXT, "red")], ColourFactory(), top=5)
    write_html(result, tmp_path / "before.html")
    result.hits[0].path.write_bytes(result.hits[4].path.read_bytes())
    write_html(result, tmp_path / "after.html")
    shown = [[img["src"] for img in Page(tmp_path / name).all("img")] for name in ("before.html", "after.html")]
    assert len(shown[0]) == 5 and shown[1] == shown[0][1:]


@pytest.fixture
def nasty(people: Path) -> SearchResult:
    write_picture(people.parent / "x.png", COLOURS["red"], seed=50).rename(people / NASTY_NAME)
    (people / "<b>broken.png").write_text("no picture")
    sketch = write_picture(people.parent / "a <i>sketch.png", (230, 60, 60), seed=51)
    parts = [QueryPart(Modality.TEXT, NASTY_TEXT), QueryPart(Modality.SKETCH, sketch)]
    return search_folder(people, parts, ColourFactory(), top=30)


def test_page_escapes_everything_and_loads_nothing(nasty: SearchResult, tmp_path: Path) -> None:
    file = tmp_path / "hits.html"
    write_html(nasty, file)
    page = Page(file)
    assert_self_contained(page)
    assert len(page.all("script")) == 1 and "alert" not in file.read_text().split("<script>")[1].split("</script>")[0]
    assert not page.all("i") or all("sketch" not in str(attributes) for attributes in page.all("i"))
    assert "{{ 7*7 }}" in page.text and "49" not in page.text.split("jacket")[0]
    assert "<script>alert('x')<\\script> & {{ 7*7 }}" in page.text and "\x1b" not in file.read_text()
    assert "<b>broken.png" in page.text and "a <i>sketch.png" in page.text
    assert STATEMENT in page.text and nasty.weights_hash in page.text


def test_page_shows_every_hit_with_words(nasty: SearchResult, tmp_path: Path) -> None:
    write_html(nasty, tmp_path / "hits.html")
    page = Page(tmp_path / "hits.html")
    pictures = page.all("img")
    assert len(pictures) == 1 + len(nasty.hits) == 26  # the sketch and 25 readable pictures
    assert all(picture["alt"] for picture in pictures)
    assert [str(picture["alt"]).split(":")[0] for picture in pictures[1:]] == [f"rank {n}" for n in range(1, 26)]
    assert page.text.count("σ") >= 25
    assert Modality.SKETCH.label in page.text and "built-in" not in page.text
    assert str(pictures[0]["alt"]).startswith(f"query, {Modality.SKETCH.label}: ")
    copied = [button["data-path"] for button in page.all("button")]
    assert copied[0] is not None and copied[0].startswith(str(nasty.folder))
    assert len(copied) == 25


def test_unread_words_are_struck_out_where_they_stand() -> None:
    text = QueryPart(Modality.TEXT, "A man with Red shoes, Very fast ")
    parts, left = shown_parts([text], ["shoes", ",", "very", "fast"])
    assert (parts[0].read, parts[0].unread, left) == ("A man with Red ", "shoes, Very fast ", [])
    two = [QueryPart(Modality.TEXT, "a b c"), QueryPart(Modality.TEXT, "d e f")]
    parts, left = shown_parts(two, ["c", "e", "f"])
    assert [(part.read, part.unread, left) for part in parts] == [("a b ", "c", []), ("d ", "e f", [])]
    parts, left = shown_parts([text], ["unknown"])
    assert (parts[0].unread, left) == ("", ["unknown"])
    assert shown_parts([text], [])[0][0].read == text.value


def test_json_and_csv_say_the_same(nasty: SearchResult, tmp_path: Path) -> None:
    write_json(nasty, tmp_path / "hits.json")
    write_csv(nasty, tmp_path / "hits.csv")
    data = json.loads((tmp_path / "hits.json").read_text(encoding="utf-8"))
    with (tmp_path / "hits.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert data["statement"] == STATEMENT and data["calibrated"] is False
    assert data["unread_words"] == list(nasty.unread_words) != []
    assert [hit["rank"] for hit in data["hits"]] == list(range(1, 26))
    assert [float(line["score"]) for line in lines[:25]] == [hit["score"] for hit in data["hits"]]
    assert [line["path"] for line in lines[:25]] == [hit["path"] for hit in data["hits"]]
    assert tuple(lines[0]) == CSV_HEADER and len(lines) == 26
    assert lines[25]["error"] == data["unreadable"][0]["error"] and lines[25]["score"] == ""


def test_own_pictures_are_marked_in_csv(people: Path, tmp_path: Path, factory: ColourFactory) -> None:
    own = people / "camera 0" / "00_red.png"
    result = search_folder(people, [QueryPart(Modality.RGB, own)], factory, top=3)
    write_csv(result, tmp_path / "hits.csv")
    with (tmp_path / "hits.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["is_query"] for line in lines] == ["false", "false", "false", "true"]
    assert lines[3]["path"] == str(own)


def test_rows_are_plain_text(nasty: SearchResult) -> None:
    rows = table_rows(nasty)
    assert [row[0] for row in rows] == [str(n) for n in range(1, 26)]
    assert all(cell.isprintable() for row in rows for cell in row)
    assert rows[0][1] == f"{nasty.hits[0].score:.4f}"


def test_names_that_are_no_utf8_can_be_written(tmp_path: Path, factory: ColourFactory) -> None:
    write_picture(tmp_path / "in" / "ok.png", COLOURS["red"])
    os.rename(tmp_path / "in" / "ok.png", os.fsencode(tmp_path / "in") + b"/\xff.png")
    result = search_folder(tmp_path / "in", [QueryPart(Modality.TEXT, "red")], factory)
    for name, write in (("a.json", write_json), ("a.csv", write_csv), ("a.html", write_html)):
        write(result, tmp_path / name)
        assert "\N{REPLACEMENT CHARACTER}.png" in (tmp_path / name).read_text(encoding="utf-8")


def test_a_full_disk_leaves_the_old_file(nasty: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for name, write in (("a.json", write_json), ("a.csv", write_csv), ("a.html", write_html)):
        (tmp_path / name).write_text("old")
        with pytest.raises(StorageError, match="No space left"):
            write(nasty, tmp_path / name)
        assert (tmp_path / name).read_text() == "old"
    assert not list(tmp_path.glob(".*"))


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place, words in ((tmp_path, "it is a folder"), (tmp_path / "no" / "a.html", "does not exist")):
        with pytest.raises(StorageError, match=words):
            check_writable(place)
    with pytest.raises(StorageError):
        check_writable(tmp_path / "file" / "a.html")
    check_writable(tmp_path / "a.html")


def test_a_device_is_written_to_and_not_replaced(nasty: SearchResult, tmp_path: Path) -> None:
    (tmp_path / "nothing").symlink_to("/dev/null")
    write_json(nasty, tmp_path / "nothing")
    assert (tmp_path / "nothing").is_symlink() and not Path("/dev/null").is_file()


def test_thumbnails_are_small_upright_and_never_fail(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (800, 400), "red").save(tmp_path / "turned.jpg", exif=exif)
    turned = thumbnail(tmp_path / "turned.jpg")
    assert turned is not None and (turned.width, turned.height) == (128, 256)
    for mode in ("RGBA", "LA", "P", "L", "1", "CMYK", "I;16", "F"):
        name = tmp_path / f"{mode.replace(';', '')}.tif"
        (Image.new("RGB", (40, 80), "red").convert("P") if mode == "P" else Image.new(mode, (40, 80))).save(name)
        small = thumbnail(name)
        assert small is not None and (small.width, small.height) == (40, 80)
    (tmp_path / "bad.png").write_bytes((tmp_path / "turned.jpg").read_bytes()[:200])
    assert thumbnail(tmp_path / "bad.png") is None and thumbnail(tmp_path / "missing.png") is None


def test_pictures_of_too_many_pixels_are_left_blank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("RGB", (40, 40)).save(tmp_path / "bomb.png")
    assert thumbnail(tmp_path / "bomb.png") is None
    Image.new("RGB", (15, 10)).save(tmp_path / "large.png")  # Pillow warns, and a search reads it
    assert thumbnail(tmp_path / "large.png") is not None


def test_demo_page(people: Path, tmp_path: Path) -> None:
    files = sorted(people.rglob("*.png"))
    parts = (QueryPart(Modality.TEXT, "a <b>man</b>"), QueryPart(Modality.RGB, files[0]))
    hits = tuple(DemoHit(file, 0.9 - 0.1 * n, is_match=n == 2) for n, file in enumerate(files[:5]))
    rows = [
        DemoRow((Modality.RGB,), 200, 0.5, 0.25),
        DemoRow((Modality.RGB, Modality.TEXT), 200, 0.75, 0.625, label="early"),
    ]
    write_demo_page(
        tmp_path / "demo.html",
        title="People & <i>tags</i>",
        introduction="Drawn just now.",
        queries=[DemoQuery("Both", parts, hits), DemoQuery("In vain", parts[:1], hits[:2])],
        rows=rows,
        facts=[("Weights", "abc")],
        next_command='aio-reid search FOLDER --text "a man"',
    )
    page = Page(tmp_path / "demo.html")
    assert_self_contained(page)
    assert "://" not in (tmp_path / "demo.html").read_text()
    frames = [item["class"] for item in page.all("li")]
    assert frames == ["hit no", "hit no", "hit yes", "hit no", "hit no", "hit no", "hit no"]
    assert "first found at rank 3" in page.text and "not among the first 2" in page.text
    assert "People & <i>tags</i>" in page.text and "a <b>man</b>" in page.text
    assert "62.5" in page.text and "75.0" in page.text
    assert Modality.RGB.label in page.text and "built-in" not in page.text
    assert [row.get("class") for row in page.all("tr")][1:] == [None, "best"]
    assert len(page.all("img")) == 1 + 5 + 2
