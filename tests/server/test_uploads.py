"""Uploads that are no pictures, or pictures that would cost too much: each is told in one plain problem."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from gallery_fakes import COLOURS
from PIL import Image
from server_fakes import BandModel, picture_bytes
from starlette.testclient import TestClient

from aio_reid.server.limits import Limits
from aio_reid.server.pictures import check_picture
from aio_reid.server.problems import Refusal

# The service says nothing of these on its own; under pytest filters of warnings begin anew.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:UserWarning"),
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
]

KINDS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose header promises that size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def frames(kind: str) -> bytes:
    two = [Image.new("RGB", (8, 16), colour) for colour in ("red", "blue")]
    return encoded(two[0], kind, save_all=True, append_images=two[1:])


def polyglots() -> Iterator[bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "hidden")
        file.comment = b"and a comment"
    yield picture_bytes((1, 2, 3), "JPEG") + archive.getvalue()
    yield picture_bytes((1, 2, 3), "PNG") + archive.getvalue()
    image = Image.new("RGB", (8, 16))
    yield encoded(image, "JPEG", comment=b"<script>alert(1)</script>")
    yield encoded(image, "JPEG", comment=b"%PDF-1.7")


def malformed(count: int) -> Iterator[bytes]:
    """Yield damaged pictures of every kind: cut short, with bytes changed, exchanged or put in, and plain noise."""
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (24, 12, 3), dtype=np.uint8))
    whole = [encoded(noise, kind) for kind in KINDS]
    for number in range(count):
        data = bytearray(whole[number % len(whole)])
        way = number // len(whole) % 5
        at = int(rng.integers(2, len(data)))
        if way == 0:
            del data[at:]
        elif way == 1:
            for place in rng.integers(0, len(data), 12):
                data[place] = int(rng.integers(256))
        elif way == 2:
            data[:at] = data[:at][::-1]
        elif way == 3:
            data[at:at] = rng.bytes(64)
        else:
            data = bytearray(rng.bytes(at))
        yield bytes(data)


def test_three_hundred_malformed_uploads_break_nothing(client: TestClient, model: BandModel) -> None:
    codes: dict[str, int] = {}
    for data in malformed(300):
        answer = client.post("/v1/embed", files={"rgb": ("x.png", data)})
        if answer.status_code == 200:
            codes["read"] = codes.get("read", 0) + 1  # e.g. some changed pixels: still a picture
            continue
        problem = answer.json()
        assert answer.status_code in (413, 422), (answer.status_code, problem)
        assert problem["code"].startswith("picture_") and problem["remedy"], problem
        codes[problem["code"]] = codes.get(problem["code"], 0) + 1
    assert codes["picture_unreadable"] > 100, codes
    good = client.post("/v1/embed", files={"rgb": ("x.png", picture_bytes(COLOURS["red"]))})
    assert good.status_code == 200


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "picture_empty"),
        (b"%PDF-1.7 and so on", "picture_unreadable"),
        (b"GIF89a" + bytes(50), "picture_unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture_unreadable"),
        (bomb(60_000, 60_000), "picture_too_many_pixels"),
        (bomb(12_000, 12_000), "picture_too_many_pixels"),
        (frames("PNG"), "picture_animated"),
        (frames("WEBP"), "picture_animated"),
        (frames("TIFF"), "picture_animated"),
        *((data, "picture_polyglot") for data in polyglots()),
    ],
)
def test_what_is_refused_by_its_header(data: bytes, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_picture(data, "sketch", Limits())
    assert caught.value.code == code and "sketch" in caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        *(picture_bytes((9, 9, 9), kind) for kind in KINDS),
        encoded(Image.new("CMYK", (8, 16)), "JPEG"),
        encoded(Image.fromarray(np.full((16, 8), 30_000, np.uint16)), "PNG"),
        encoded(Image.fromarray(np.full((16, 8), 30_000, np.uint16)), "TIFF"),
        encoded(Image.new("RGBA", (8, 16)), "WEBP"),
        encoded(Image.new("P", (8, 16)), "PNG"),
        encoded(Image.new("1", (8, 16)), "BMP"),
    ],
)
def test_uncommon_pixels_are_pictures(data: bytes) -> None:
    assert check_picture(data, "rgb", Limits()).startswith("image/")


def test_a_picture_of_many_bytes_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(Refusal, match="shrink it") as caught:
        check_picture(picture_bytes((1, 2, 3)) + bytes(100), "rgb", Limits(picture_bytes=100))
    assert caught.value.status == 413


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "not_a_form"),
        ("", b"", 415, "not_a_form"),
        ("multipart/form-data", b"", 400, "form_damaged"),
        ("multipart/form-data; boundary=" + "x" * 71, b"", 400, "form_damaged"),
        ("multipart/form-data; boundary=x", b"", 400, "form_damaged"),
        ("multipart/form-data; boundary=x", b"nothing of that kind", 400, "form_damaged"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nred',
            400,
            "form_damaged",
        ),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Type: text/plain\r\n\r\nred\r\n--x--\r\n",
            400,
            "form_damaged",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xff\r\n--x--\r\n',
            422,
            "text_unreadable",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nred\0\r\n--x--\r\n',
            422,
            "text_unreadable",
        ),
    ],
)
def test_damaged_forms(client: TestClient, kind: str, body: bytes, status: int, code: str) -> None:
    answer = client.post("/v1/search", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_too_many_parts_and_too_large_bodies(client: TestClient) -> None:
    many = client.post("/v1/search", files=[("text", (None, "red"))] * 65)
    assert (many.status_code, many.json()["code"]) == (413, "too_many_parts")
    large = client.post("/v1/embed", files={"rgb": ("x", bytes(33 * 2**20))})
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    announced = client.post(
        "/v1/embed", content=iter([bytes(2**20)] * 33), headers={"content-type": "multipart/form-data"}
    )
    assert announced.json()["code"] == "body_too_large"  # without a length, counted as it comes
