"""The steps of asking, done in the page by pen, mouse and keyboard."""

from __future__ import annotations

import math
from typing import Any

from browser import CTRL, SHIFT, Page

from conftest import Town

HITS = "[...document.querySelectorAll('#answers .hit')].map((card) => card.hit)"


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
    for line in figure():
        stroke(page, line)
    drawn = ink(page)
    assert drawn > 500
    page.js("document.querySelector('#canvas').focus()")
    page.js("document.activeElement.blur()")
    page.press("z", modifiers=CTRL)
    assert 0 < ink(page) < drawn
    page.press("z", modifiers=CTRL | SHIFT)
    assert ink(page) == drawn
    page.click("input[value=eraser]")
    stroke(page, [(x, 0.3, 0.5) for x in (0.1, 0.5, 0.9)])
    assert ink(page) < drawn
    page.click("#undo")
    assert ink(page) == drawn
    assert page.js("document.querySelector('#drawing-state').innerText") == "is part of the search"


def stroke(page: Page, line: list[tuple[float, float, float]]) -> None:
    """Draw a line through points (x, y, pressure) in shares of the canvas."""
    left, top, width, height = page.js(
        "(() => { const canvas = document.querySelector('#canvas');"
        "canvas.scrollIntoView({block: 'center', behavior: 'instant'}); const b = canvas.getBoundingClientRect();"
        "return [b.left, b.top, b.width, b.height]; })()"
    )
    page.pen([(left + x * width, top + y * height, force) for x, y, force in line])


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
    assert page.js("document.querySelector('#trust-text + output').innerText") == "× 1.0"  # no longer the model's


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
    page.js("document.querySelector('#results').scrollIntoView({behavior: 'instant'})")
    page.wait("document.querySelector('#answers .hit img')?.naturalWidth > 0", "the first picture")
    return hits
