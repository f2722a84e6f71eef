"""Chromium without a window, spoken to by the DevTools protocol through a pipe: the standard library is enough."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
WAIT_S = 60.0
CTRL, SHIFT = 2, 8

# The browser reads commands from descriptor 3 and writes to 4; nothing of this process may lie there by then.
LAUNCH = """
import os, sys
read, write = int(sys.argv[1]), int(sys.argv[2])
os.dup2(read, 3); os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # tests often run as root, where Chromium has no sandbox
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # whatever it asks for, only loopback is found
)


def find_chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One tab. `requests` are the addresses that it has asked for, `complaints` errors of its console and policy."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._buffer = b""
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result; events that come meanwhile are taken note of."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            found = self._receive(time.monotonic() + WAIT_S)
            if found.get("id") == number:
                assert "error" not in found, f"{method}: {found['error']}"
                return found["result"]

    def js(self, expression: str) -> Any:
        """Return the value of an expression in the page; promises are waited for."""
        told = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, f"{expression}: {told['exceptionDetails']}"
        return told["result"].get("value")

    def wait(self, expression: str, what: str = "") -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if self.js(f"Boolean({expression})"):
                return
            time.sleep(0.1)
        shown = self.js("[...document.querySelectorAll('.problem:not([hidden])')].map((box) => box.innerText)")
        raise AssertionError(f"never came true: {what or expression}; complaints: {self.complaints}; shown: {shown}")

    def press(self, key: str, *, text: str = "", modifiers: int = 0) -> None:
        """Press and let go of a key; modifiers are CTRL, SHIFT, or both."""
        codes = {"Enter": 13, "Escape": 27}
        common = {
            "key": key,
            "code": key,
            "modifiers": modifiers,
            "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper())),
        }
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def pen(self, points: list[tuple[float, float, float]]) -> None:
        """Draw with a pen through points (x, y, pressure)."""
        for n, (x, y, force) in enumerate(points):
            kind = "mousePressed" if n == 0 else "mouseMoved"
            self._pen(kind, x, y, force, buttons=1, clickCount=int(n == 0))
        x, y, _ = points[-1]
        self._pen("mouseReleased", x, y, 0, buttons=0, clickCount=1)

    def drop(self, selector: str, file: Path) -> None:
        """Drop a file on an element."""
        x, y = self.middle(selector)
        data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.send("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def click(self, selector: str) -> None:
        """Click on the middle of an element."""
        x, y = self.middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def middle(self, selector: str) -> tuple[float, float]:
        """Return where the middle of an element is, brought into view."""
        box = self.js(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); const b = e.getBoundingClientRect();"
            "return [b.left + b.width / 2, b.top + b.height / 2]; })()"
        )
        return box[0], box[1]

    def screenshot(self, **options: Any) -> bytes:
        """Return a picture of the page, JPEG."""
        return b64decode(self.send("Page.captureScreenshot", format="jpeg", quality=72, **options)["data"])

    def _pen(self, kind: str, x: float, y: float, force: float, **more: Any) -> None:
        self.send(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", pointerType="pen", force=force, **more
        )

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(deadline - time.monotonic(), 0))
            assert ready, "the browser does not answer"
            piece = os.read(self._read, 2**16)
            assert piece, "the browser has ended"
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        event, told = message.get("method"), message.get("params", {})
        if event == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and told["type"] == "error":
            self.complaints.append(str([one.get("description", one.get("value")) for one in told["args"]]))
        elif event == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")


@contextmanager
def chromium(program: str, profile: Path) -> Iterator[Page]:
    """Run a browser until the end of the block; give its one tab."""
    from_us, to_it = _high_pipe()
    from_it, to_us = _high_pipe()
    command = [sys.executable, "-c", LAUNCH, str(from_us), str(to_us), program, *OPTIONS, f"--user-data-dir={profile}"]
    with (profile.parent / "chromium.log").open("wb") as log:
        process = subprocess.Popen(command, pass_fds=(from_us, to_us), stdout=log, stderr=log)
    os.close(from_us)
    os.close(to_us)
    try:
        page = Page(from_it, to_it)
        yield page
        page.send("Browser.close")
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()
        os.close(to_it)
        os.close(from_it)


def _high_pipe() -> tuple[int, int]:
    """Return a pipe whose ends are not among the lowest descriptors."""
    moved = []
    for end in os.pipe():
        moved.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
        os.close(end)
    return moved[0], moved[1]
