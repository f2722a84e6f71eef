"""The page in a real browser, as an analyst uses it: asks, marks, asks again, keeps what was found. Nothing leaves."""

from __future__ import annotations

import json
import math
import os
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Page, chromium, find_chromium
from PIL import Image

from conftest import PICTURES, Town

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine, so the page cannot be opened")
DESKTOP = {"width": 1440, "height": 1180, "deviceScaleFactor": 1, "mobile": False}
PHONE = {"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": True}
HITS = "[...document.querySelectorAll('#answers .hit')].map((card) => card.hit)"
CTRL, SHIFT = 2, 8


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with chromium(str(CHROMIUM), tmp_path / "profile") as page:
        page.send("Emulation.setDeviceMetricsOverride", **DESKTOP)
        page.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path), eventsEnabled=True)
        yield page


def test_an_analyst_from_a_sentence_to_a_saved_shortlist(page: Page, town: Town, tmp_path: Path) -> None:
    give_the_key(page, town)
    write(page, town.sentence)
    draw(page)
    add_pictures(page, town)
    filtered(page)
    hits = search(page)
    tell_mistakes_where_they_belong(page)
    marked = mark(page)
    again = search(page, "#again")
    assert {hit["id"] for hit in hits} & set(marked.values())
    assert not {hit["id"] for hit in again} & set(marked.values()), "what is marked is not ranked"
    assert (
        "moved by 1 pictures to be like and 1 to be unlike"
        in page.js("document.querySelector('#answers').innerText").lower()
    )
    cancel(page)
    compare(page)
    check_words(page)
    keep(page)
    check_saved(save(page, tmp_path, "json"), save(page, tmp_path, "html"), town)
    check_widths(page, tmp_path)
    stays_here(page, town)


def give_the_key(page: Page, town: Town) -> None:
    page.send("Page.navigate", url=town.address)
    page.wait("document.readyState === 'complete' && document.querySelector('#key-box')?.open", "it asks for a key")
    assert "Authorization" in page.js("document.querySelector('#problem-key').innerText")
    page.click("#key")
    page.send("Input.insertText", text=town.key)
    page.press("Enter", text="\r")
    page.wait("document.querySelector('#zone-sketch')", "the galleries are known")
    assert page.js("sessionStorage.length + localStorage.length") == 0, "the key is in memory only"
    assert "not an identification" in page.js("document.querySelector('#statement').innerText")


def write(page: Page, sentence: str) -> None:
    page.press("/", text="/")
    page.send("Input.insertText", text=" ".join(["red jacket"] * 45) + " and a kite")
    page.wait("document.querySelector('#unread').innerText.endsWith('and a kite')", "the words that are not read")
    assert page.js("document.querySelector('#tokens').innerText") == "95 of 77 tokens"
    page.js("document.querySelector('#sentence').value = ''")
    page.send("Input.insertText", text=sentence)
    page.wait(
        "document.querySelector('#unread').hidden && /^\\d\\d of 77/.test(document.querySelector('#tokens').innerText)"
    )


def draw(page: Page) -> None:
    page.click("#canvas")
    page.click("#clear")
    box = page.js(
        "(() => { const b = document.querySelector('#canvas').getBoundingClientRect();"
        "return [b.left, b.top, b.width, b.height]; })()"
    )
    for line in figure():
        page.pen([(box[0] + x * box[2], box[1] + y * box[3], force) for x, y, force in line])
    drawn = ink(page)
    assert drawn > 500
    page.js("document.querySelector('#canvas').focus()")
    page.js("document.activeElement.blur()")
    page.press("z", modifiers=CTRL)
    assert 0 < ink(page) < drawn
    page.press("z", modifiers=CTRL | SHIFT)
    assert ink(page) == drawn
    page.click("input[value=eraser]")
    page.pen([(box[0] + x * box[2], box[1] + 0.3 * box[3], 0.5) for x in (0.1, 0.5, 0.9)])
    assert ink(page) < drawn
    page.click("#undo")
    assert ink(page) == drawn
    assert page.js("document.querySelector('#drawing-state').innerText") == "is part of the search"


def figure() -> list[list[tuple[float, float, float]]]:
    """Return the lines of a simple person, as points (x, y, pressure) in shares of the canvas."""
    turn = [2 * math.pi * n / 14 for n in range(15)]
    head = [(0.5 + 0.1 * math.cos(a), 0.11 + 0.065 * math.sin(a), 0.5) for a in turn]
    jacket = [(0.42, 0.2), (0.3, 0.23), (0.27, 0.5), (0.73, 0.5), (0.7, 0.23), (0.58, 0.2), (0.42, 0.2)]
    arms = [[(0.3, 0.24), (0.2, 0.36), (0.21, 0.52)], [(0.7, 0.24), (0.8, 0.36), (0.79, 0.52)]]
    legs = [
        [(0.31, 0.5), (0.35, 0.94), (0.46, 0.94), (0.5, 0.56)],
        [(0.5, 0.56), (0.54, 0.94), (0.65, 0.94), (0.69, 0.5)],
    ]
    zip_line = [(0.5, 0.2), (0.5, 0.5)]
    return [
        head,
        *(
            [(x, y, 0.3 + 0.5 * n / len(line)) for n, (x, y) in enumerate(line)]
            for line in (jacket, *arms, *legs, zip_line)
        ),
    ]


def ink(page: Page) -> int:
    """Return how many pixels of the canvas are drawn on."""
    count = (
        "(() => { const c = document.querySelector('#canvas');"
        "const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "return pixels.filter((value, n) => n % 4 === 3 && value > 0).length; })()"
    )
    return int(page.js(count))


def add_pictures(page: Page, town: Town) -> None:
    page.drop(".zone.m-rgb", town.photo)
    page.wait("document.querySelectorAll('#files-rgb img').length === 1")
    page.drop(".zone.m-sketch", town.sketch)
    page.drop(".zone.m-sketch", town.sketch)
    page.wait("document.querySelectorAll('#files-sketch img').length === 2")
    page.click("#files-sketch li:last-child button")
    page.wait("document.querySelectorAll('#files-sketch img').length === 1")
    page.js("document.querySelector('#trust-box').open = true")
    page.js(
        "(() => { const slider = document.querySelector('#trust-rgb');"
        "slider.value = 0.4; slider.dispatchEvent(new Event('input')); })()"
    )
    assert page.js("document.querySelector('#trust-rgb + output').innerText") == "× 0.4"


def filtered(page: Page) -> None:
    page.js("document.querySelector('#camera').value = 'north, gate'")
    page.js("document.querySelector('#since').value = '2026-04-12T06:00:00'")
    page.click("#kinds input[value=rgb]")
    hits = search(page)
    assert {hit["camera"] for hit in hits} == {"north", "gate"} and {hit["modality"] for hit in hits} == {"rgb"}
    shown = page.js("document.querySelector('#answers').innerText")
    assert "only camera north or gate; modality rgb; since 2026-04-12" in shown
    assert "weights of modalities: rgb 0.4, 1 for the rest" in shown.lower()
    assert page.js("[...document.querySelectorAll('#answers h4')].length") == 2
    page.js("for (const id of ['camera', 'since']) document.getElementById(id).value = ''")
    page.click("#kinds input[value=rgb]")
    page.click("#trust .m-rgb button")


def search(page: Page, selector: str = "") -> list[dict[str, Any]]:
    """Search by the keyboard, or a button, and return the hits when they are shown."""
    page.js("document.querySelector('#answers').replaceChildren()")
    if selector:
        page.click(selector)
    else:
        page.press("Enter", modifiers=CTRL)
    page.wait(
        "document.querySelectorAll('#answers .answer').length && document.querySelector('#busy').hidden", "an answer"
    )
    hits: list[dict[str, Any]] = page.js(HITS)
    page.wait("document.querySelector('#answers .hit img')?.naturalWidth > 0", "the first picture")
    return hits


def tell_mistakes_where_they_belong(page: Page) -> None:
    page.js("document.querySelector('#top').value = '999'")
    page.press("Enter", modifiers=CTRL)
    page.wait("!document.querySelector('#problem-top').hidden", "a problem beside its field")
    assert (
        page.js("document.querySelector('#problem-top').innerText")
        == "field top is '999': give a whole number from 1 to 200."
    )
    page.js("document.querySelector('#top').value = '20'")


def mark(page: Page) -> dict[str, int]:
    """Mark the first hit yes and the last no, by the keyboard; return their ids."""
    search(page)
    page.press("r", text="r")
    marked = {"yes": page.js("document.activeElement.hit.id")}
    page.press("y", text="y")
    page.press("ArrowRight")
    page.press("u", text="u")
    assert (
        page.js("document.activeElement.querySelector('[data-verdict=unsure]').getAttribute('aria-pressed')") == "true"
    )
    page.press("u", text="u")
    page.js("[...document.querySelectorAll('#answers .hit')].at(-1).focus()")
    marked["no"] = page.js("document.activeElement.hit.id")
    page.press("n", text="n")
    assert page.js("document.querySelectorAll('#marked-list li').length") == 2
    return marked


def compare(page: Page) -> None:
    page.js("document.querySelector('#answers .hit').focus()")
    page.press("c", text="c")
    page.wait("document.querySelector('#compare').open && document.querySelectorAll('#compare img').length === 2")
    assert "query: photo" in page.js("document.querySelector('#right').selectedOptions[0].text")
    page.press("Escape")
    page.wait("!document.querySelector('#compare').open")
    page.press("?", text="?")
    page.wait("document.querySelector('#help').open && document.querySelectorAll('#keys kbd').length > 12")
    page.press("Escape")
    page.wait("!document.querySelector('#help').open")


def cancel(page: Page) -> None:
    before = page.js(HITS)
    at_once = """new Promise((done) => {
      const [search, cancel] = [document.querySelector("#search"), document.querySelector("#cancel")];
      new MutationObserver(() => { if (!cancel.hidden) { cancel.click(); done(); } }).observe(cancel, {attributes: true});
      search.click();
    })"""
    page.js(at_once)
    page.wait("document.querySelector('#status').innerText === 'Cancelled.' && document.querySelector('#busy').hidden")
    assert page.js(HITS) == before


def check_words(page: Page) -> None:
    """What the small modules say, where a gallery without a calibration cannot show it."""
    bands = page.js("""import("/js/words.js").then(({ bandOf, listed }) => [
      ...[0.001, 0.05, 0.3, 0.7, 0.95].map((probability) => bandOf({ evidence: {
        probability, probability_text: "x", strangers_text: "1 of 40 strangers scores this high" } }, {})),
      bandOf({ stands_out: 3.2 }, { chance_best: 2.9 }), bandOf({ stands_out: 1.2 }, { chance_best: 2.9 }),
      bandOf({ stands_out: null }, { chance_best: null }), listed(" north,, gate "),
    ])""")
    assert [band["level"] for band in bands[:5]] == [0, 1, 2, 3, 4]
    assert bands[0]["label"] == "P(match) x" and bands[0]["text"] == "1 of 40 strangers scores this high"
    assert [band["label"] for band in bands[5:8]] == [
        "stands out, not calibrated",
        "as chance gives, not calibrated",
        "not calibrated",
    ]
    assert bands[8] == ["north", "gate"]
    places = page.js("""import("/js/problems.js").then(({ placeOf }) => ["sketch is empty", "a sentence holds no words",
      "a weight for rgb, of which the query has none", "field since is 'x'", "several galleries are served",
      ].map((message) => placeOf({ message })))""")
    assert places == ["problem-sketch", "problem-text", "problem-weight", "problem-since", "problem-question"]


def keep(page: Page) -> None:
    page.js("document.querySelector('#answers .hit').focus()")
    page.press("s", text="s")
    page.press("ArrowRight")
    page.press("s", text="s")
    assert page.js("document.querySelector('#shortlist-count').innerText") == "2"
    page.click("#chosen textarea")
    page.send("Input.insertText", text='same bag, "zip" <open>')


def save(page: Page, folder: Path, suffix: str) -> str:
    page.click(f"#export-{suffix}")
    deadline = time.monotonic() + 30
    while not (found := list(folder.glob(f"shortlist-*.{suffix}"))):
        assert time.monotonic() < deadline, f"nothing was saved; {page.complaints}"
        page.js("0")
        time.sleep(0.1)
    return found[0].read_text("utf-8")


def check_saved(text: str, html: str, town: Town) -> None:
    record = json.loads(text)
    (asked,), (first, second) = record["searches"], record["hits"]
    log = [json.loads(line) for line in (town.place / "audit.jsonl").read_text("utf-8").splitlines()]
    logged = [line for line in log if line["what"] == "search"][-1]
    assert asked["query_sha256"] == logged["query"] and asked["gallery"]["version"] == logged["version"]
    assert asked["sentence"] == town.sentence and asked["query"] == {"rgb": 1, "sketch": 2, "text": 1}
    assert len(asked["weights_sha256"]) == 64 and len(asked["like"]) == len(asked["unlike"]) == 1
    assert [one["kind"] for one in asked["pictures"]] == ["rgb", "sketch", "sketch"]
    assert first["note"] == 'same bag, "zip" <open>' and second["rank"] != first["rank"] and first["score"] <= 1
    assert b64decode(first["picture"].split(",")[1])[:2] == b"\xff\xd8"
    assert record["statement"] in html and "same bag, &quot;zip&quot; &lt;open&gt;" in html and "<open>" not in html
    assert first["picture"] in html and first["content"] in html and asked["query_sha256"] in html
    assert "http" not in html.replace("http-equiv", "") and "<script" not in html


def check_widths(page: Page, tmp_path: Path) -> None:
    """No part is wider than the window; take pictures."""
    folder = Path(os.environ.get(PICTURES, tmp_path))
    for name, metrics in (("page", DESKTOP), ("page-phone", PHONE)):
        page.send("Emulation.setDeviceMetricsOverride", **metrics)
        page.js("document.activeElement.blur(); window.scrollTo({top: 0, behavior: 'instant'})")
        page.wait("[...document.querySelectorAll('img:not(.waiting)')].every((image) => image.complete)")
        assert page.js("document.documentElement.scrollWidth") <= metrics["width"], name
        if name == "page-phone":
            page.js("document.querySelector('#results').scrollIntoView({behavior: 'instant'})")
            time.sleep(1)
        (folder / f"{name}.jpg").write_bytes(page.screenshot())
        with Image.open(folder / f"{name}.jpg") as image:
            assert image.size == tuple(
                int(metrics[side] * metrics["deviceScaleFactor"]) for side in ("width", "height")
            )
        assert (folder / f"{name}.jpg").stat().st_size < 250_000


def stays_here(page: Page, town: Town) -> None:
    """Nothing was asked of another host, and nothing failed but what was meant to."""
    assert len(page.requests) > 40
    assert [
        url for url in page.requests if not url.startswith((f"{town.address}/", f"blob:{town.address}/", "data:"))
    ] == []
    expected = ("status of 401", "status of 422")
    assert [line for line in page.complaints if not any(part in line for part in expected)] == []
