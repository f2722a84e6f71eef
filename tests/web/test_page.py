"""The page in a real browser, as an analyst uses it: asks, marks, asks again, keeps what was found. Nothing leaves."""

from __future__ import annotations

import json
import os
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import HITS, add_pictures, draw, filtered, give_the_key, search, write
from browser import CTRL, Page, chromium, find_chromium
from PIL import Image

from conftest import PICTURES, Town

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine, so the page cannot be opened")
DESKTOP = {"width": 1440, "height": 1180, "deviceScaleFactor": 1, "mobile": False}
PHONE = {"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": True}


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
    go_back_and_forward(page, hits, again)
    cancel(page)
    compare(page)
    check_words(page)
    check_forms_for_several_galleries(page)
    keep(page)
    check_saved(save(page, tmp_path, "json"), save(page, tmp_path, "html"), town)
    check_printed(page)
    check_widths(page, tmp_path)
    check_filters(page)
    stays_here(page, town)


def tell_mistakes_where_they_belong(page: Page) -> None:
    page.js("document.querySelector('#top').value = '999'")
    page.press("Enter", modifiers=CTRL)
    page.wait("!document.querySelector('#problem-top').hidden", "a problem beside its field")
    assert (
        page.js("document.querySelector('#problem-top').innerText")
        == "field top is '999': give a whole number from 1 to 200."
    )
    page.js("document.querySelector('#top').value = '20'")
    # A date without a time, which a script cannot type: to the page it looks so.
    page.js("Object.defineProperty(since, 'validity', {value: {badInput: true}, configurable: true})")
    page.press("Enter", modifiers=CTRL)
    page.wait("!document.querySelector('#problem-since').hidden", "a filter that cannot be read is not left out")
    page.js("delete since.validity")


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


def go_back_and_forward(page: Page, before: list[dict[str, Any]], now: list[dict[str, Any]]) -> None:
    """Each search comes back with its hits and its marks, and a new one takes the place of what followed."""
    ids = f"{HITS}.map((hit) => hit.id)"
    marks = "[...document.querySelectorAll('#marked-list .name')].map((one) => one.innerText)"
    shown, marked = page.js(ids), page.js(marks)
    assert shown == [hit["id"] for hit in now] and len(marked) == 2
    assert "1 marked yes, 1 marked no" in page.js("document.querySelector('#step').innerText")
    page.js("document.querySelector('#marked-list button').click()")
    page.click("#step-back")
    assert page.js(ids) == [hit["id"] for hit in before] and page.js(marks) == marked
    page.click("#step-forward")
    assert page.js(ids) == shown and page.js(marks) == marked[1:], "as it was left"
    page.click("#step-back")
    assert search(page, "#again") == now
    assert page.js("document.querySelector('#step-forward').disabled")


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
      const watch = new MutationObserver(() => { watch.disconnect(); cancel.click(); done(); });
      watch.observe(cancel, {attributes: true});
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
    lost = page.js("""import("/js/record.js").then(async ({ recordOf }) => {
      const { hit } = document.querySelector("#answers .hit");
      const question = { pictures: [], weights: [], fields: [["top", "5"]], yes: [], no: [] };
      const answer = { question, query: {}, chance_best: 1, unread_words: [], filters: [], notes: [] };
      const gone = { ...hit, id: 999, picture: "/v1/items/999/picture" };
      const record = await recordOf([{ hit: gone, answer, note: "", verdict: null }]);
      const { htmlOf } = await import("/js/report.js");
      return [record.hits[0].picture, record.hits[0].picture_problem, htmlOf(record, "").includes("no picture: ")];
    })""")
    assert lost[0] is None and "999" in lost[1] and lost[2], "a list is saved although a picture is gone"
    assert places == ["problem-sketch", "problem-text", "problem-weight", "problem-since", "problem-question"]


def check_forms_for_several_galleries(page: Page) -> None:
    """A picture marked yes in one gallery has no id in another: there it is sent as evidence of its kind."""
    forms = page.js("""import("/js/question.js").then(async ({ formFor }) => {
      const { hit } = document.querySelector("#answers .hit");
      const question = { sentence: "red", pictures: [], weights: [["text", "0.5"]], fields: [["top", "5"]],
        yes: [hit], no: [hit] };
      const told = (form) => [...form].filter(([name]) => name !== "gallery")
        .map(([name, value]) => [name, value instanceof File ? value.type : value]);
      return [hit.id, hit.modality, told(await formFor(question, hit.gallery)), told(await formFor(question, "other"))];
    })""")
    number, kind, own, other = forms
    common = [["text", "red"], ["weight", "text=0.5"], ["top", "5"]]
    assert own == [*common, ["like", str(number)], ["unlike", str(number)]]
    assert other == [*common, [kind, "image/jpeg"]]


def keep(page: Page) -> None:
    page.js("document.querySelector('#answers .hit').focus()")
    page.press("s", text="s")
    page.press("ArrowRight")
    page.press("s", text="s")
    assert page.js("document.querySelector('#shortlist-count').innerText") == "2"
    page.click("#chosen textarea")
    page.send("Input.insertText", text='same bag, "zip" <open>')
    page.click("#chosen li:nth-child(2) textarea")
    page.send("Input.insertText", text="taller")
    page.js("document.querySelectorAll('#answers .hit')[1].focus()")
    for key in ("s", "s", "y"):  # off the list and on it again: the note is back
        page.press(key, text=key)
    assert page.js("document.querySelector('#chosen li:nth-child(2) textarea').value") == "taller"
    page.click("#step-back")  # with the marks of then; what was said of a listed hit stays with it
    page.wait("document.querySelectorAll('#chosen img.waiting').length === 0", "all of a list, in view or not")


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
    assert (second["note"], second["verdict"]) == ("taller", "yes")
    assert first["note"] == 'same bag, "zip" <open>' and second["rank"] != first["rank"] and first["score"] <= 1
    assert b64decode(first["picture"].split(",")[1])[:2] == b"\xff\xd8"
    assert record["statement"] in html and "same bag, &quot;zip&quot; &lt;open&gt;" in html and "<open>" not in html
    assert first["picture"] in html and first["content"] in html and asked["query_sha256"] in html
    assert "://" not in html and "<script" not in html


def check_printed(page: Page) -> None:
    """On paper stands what the saved file holds, and nothing of it stays in the page."""
    page.js("""window.print = () => {
      const part = document.querySelector("#printed");
      window.onPaper = [part.innerText || part.textContent, part.querySelectorAll("img").length,
        [...part.querySelectorAll("img")].every((image) => image.naturalWidth > 0),
        document.querySelector("#report-style").media];
      window.dispatchEvent(new Event("afterprint"));
    }""")
    page.click("#print")
    page.wait("window.onPaper !== undefined")
    text, num_pictures, are_there, media = page.js("window.onPaper")
    assert "SHA-256 of the query" in text and "same bag" in text and "What was asked" in text
    assert num_pictures == 2 + 3 and are_there and media == "print"
    assert page.js("document.querySelector('#printed').children.length") == 0
    assert page.js("document.querySelector('#report-style').media") == "not all"


def check_widths(page: Page, tmp_path: Path) -> None:
    """No part is wider than the window; take pictures, of a question with one of each kind, which is calibrated."""
    page.click("#files-sketch button")
    search(page)
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


def check_filters(page: Page) -> None:
    """What was left out of a search stays left out when the filters are offered anew, as after another key."""
    chosen, kinds, missing = page.js("""import("/js/filters.js").then(({ setUpFilters, chosenGalleries }) => {
      const served = ["a", "b", "c"].map((name) => ({ name, num_pictures: 1 }));
      setUpFilters(served.slice(0, 2), ["rgb", "infrared"], { c: "cannot be read now" });
      document.querySelector("#galleries [value=b]").click();
      document.querySelector("#kinds [value=rgb]").click();
      const missing = document.querySelector("#galleries [value=c]");
      const told = [missing.disabled, missing.checked, missing.parentElement.innerText];
      setUpFilters(served.slice(0, 1), ["rgb", "infrared"], { b: "cannot be read now", c: "cannot be read now" });
      setUpFilters(served, ["rgb", "infrared"], {});
      const kinds = [...document.querySelectorAll("#kinds input:checked")].map((box) => box.value);
      return [chosenGalleries(), kinds, told];
    })""")
    assert chosen == ["a", "c"] and kinds == ["rgb"], "c was not there to be left out"
    assert missing[:2] == [True, False] and "c: cannot be read now" in missing[2]


def stays_here(page: Page, town: Town) -> None:
    """Nothing was asked of another host, and nothing failed but what was meant to."""
    assert len(page.requests) > 40
    assert [
        url for url in page.requests if not url.startswith((f"{town.address}/", f"blob:{town.address}/", "data:"))
    ] == []
    expected = ("status of 401", "status of 404", "status of 422")
    assert [line for line in page.complaints if not any(part in line for part in expected)] == []
