"""Pictures that Pillow has opened and not yet read: the same from every thread, and one line where they are damaged."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from aio_reid.data.images import as_image
from aio_reid.errors import PictureError

THREADS, TIMES = 8, 5


@pytest.fixture
def quick_turns() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def turned_file(kind: str) -> bytes:
    """Return a picture of 1200x600 pixels that its EXIF data turn upright."""
    blocks = np.random.default_rng(0).integers(0, 256, (60, 120, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = BytesIO()
    Image.fromarray(blocks).resize((1200, 600)).save(stream, kind, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_one_opened_picture_is_the_same_in_every_thread(kind: str, quick_turns: None) -> None:
    data = turned_file(kind)
    expected = np.asarray(as_image(Image.open(BytesIO(data))))
    assert expected.shape == (1200, 600, 3)
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(TIMES):
            opened = Image.open(BytesIO(data))
            for image in list(pool.map(as_image, [opened] * THREADS)):
                np.testing.assert_array_equal(np.asarray(image), expected)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_opened_picture_that_is_cut_short_is_refused_every_time(kind: str) -> None:
    data = turned_file(kind)
    opened = Image.open(BytesIO(data[: len(data) // 2]))
    for _ in range(2):
        with pytest.raises(PictureError, match=r"ImageFile cannot be used .*truncated") as caught:
            as_image(opened)
        assert "\n" not in str(caught.value)
