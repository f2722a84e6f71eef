"""Pictures of every kind become the right pixels, and whatever cannot be read becomes one line."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from aio_reid.data import images
from aio_reid.data.images import fit_image, normalise, read_image
from aio_reid.errors import DataError, PassingPictureError, PictureError
from aio_reid.records import VISUAL_MODALITIES, Modality


def smooth(height: int = 24, width: int = 16) -> np.ndarray:
    """Return a smooth coloured picture uint8 (H, W, 3) that lossy formats keep nearly as it is."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([40 + 6 * y, 200 - 5 * x, 90 + 2 * x + 2 * y], axis=2).clip(0, 255).astype(np.uint8)


def file_bytes(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds nearly nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "TGA", "PCX", "WEBP", "JPEG", "JPEG2000", "AVIF", "DDS"])
def test_formats_give_their_pixels(kind: str, tmp_path: Path) -> None:
    if kind not in Image.registered_extensions().values() or kind not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {kind}")
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind in ("JPEG", "AVIF") else {}
    path = tmp_path / "picture"  # the content decides, not the name
    path.write_bytes(file_bytes(Image.fromarray(smooth()), kind, **options))
    read = np.asarray(read_image(path)).astype(int)
    assert np.abs(read - smooth()).max() <= (12 if kind in ("JPEG", "AVIF") else 0)
    assert np.array_equal(np.asarray(read_image(path.read_bytes())), read)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(kind: str, orientation: int) -> None:
    image = Image.fromarray(smooth())
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file_bytes(image, kind, exif=exif)
    with Image.open(BytesIO(data)) as stored:
        stored.load()
        expected = ImageOps.exif_transpose(stored).convert("RGB")
    read = read_image(data)
    assert read.size == ((16, 24) if orientation < 5 else (24, 16))
    assert np.array_equal(np.asarray(read), np.asarray(expected))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "MPO", "TIFF"])
def test_the_picture_outlives_its_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(file_bytes(Image.fromarray(smooth()), kind))
    read = read_image(path)
    path.unlink()
    assert np.asarray(read.copy()).shape == (24, 16, 3)
    assert np.asarray(read.resize((4, 4))).std() > 1


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), MemoryError()])
def test_what_failed_is_not_always_the_picture(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    data = file_bytes(Image.fromarray(smooth()), "PNG")

    def fail(_: Image.Image) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("PIL.ImageFile.ImageFile.load", fail)
        with pytest.raises(PassingPictureError, match="cannot be read now"):
            read_image(data)
    with pytest.raises(PictureError, match="damaged") as caught:
        read_image(data[:-40])
    assert not isinstance(caught.value, PassingPictureError)


def test_only_the_formats_that_are_named_are_tried() -> None:
    data = file_bytes(Image.fromarray(smooth()), "GIF")
    assert read_image(data).size == (16, 24)
    with pytest.raises(PictureError, match="in no format that can be read"):
        read_image(data, formats=("JPEG", "PNG"))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_exif_does_not_cost_the_picture() -> None:
    data = file_bytes(Image.fromarray(smooth()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\1\2\3")
    assert read_image(data).size == (16, 24)


def test_min_size_decodes_a_large_jpeg_smaller_but_never_too_small() -> None:
    large = Image.fromarray(smooth(480, 320)).resize((320, 480))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned: 480 wide, 320 tall
    data = file_bytes(large, "JPEG", quality=95)
    turned = file_bytes(large, "JPEG", quality=95, exif=exif)
    assert read_image(data, min_size=(120, 60)).size == (80, 120)
    assert read_image(data, min_size=(121, 60)).size == (160, 240)
    assert read_image(turned, min_size=(60, 120)).size == (120, 80)
    assert read_image(data, min_size=(1000, 1000)).size == (320, 480)
    reduced = fit_image(read_image(data, min_size=(60, 40)), (60, 40), Modality.RGB).astype(int)
    whole = fit_image(read_image(data), (60, 40), Modality.RGB).astype(int)
    assert np.abs(reduced - whole).max() <= 6


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(kind: str) -> None:
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    read = np.asarray(read_image(file_bytes(Image.fromarray(levels * 257), kind)))
    assert np.array_equal(read, np.repeat(levels[..., None], 3, axis=2))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 51, 255]], np.int32), [0, 51, 255]),
        (np.array([[0, 257, 65535]], np.int32), [0, 1, 255]),
        (np.array([[-100, 0, 100]], np.int32), [0, 128, 255]),
        (np.array([[0.0, 0.2, 1.0]], np.float32), [0, 51, 255]),
        (np.array([[0.0, 51.0, 200.0]], np.float32), [0, 51, 200]),
        (np.array([[np.nan, 0.2, 1.0]], np.float32), [0, 51, 255]),
        (np.array([[-3.0, -3.0, -3.0]], np.float32), [0, 0, 0]),
    ],
)
def test_pictures_of_32_bits_are_brought_to_eight(values: np.ndarray, expected: list[int]) -> None:
    read = np.asarray(read_image(file_bytes(Image.fromarray(values), "TIFF")))
    assert read[0, :, 0].tolist() == expected


def test_transparency_is_laid_on_white() -> None:
    red = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    red.putpixel((1, 0), (0, 0, 0, 0))
    assert np.asarray(read_image(file_bytes(red, "PNG"))).tolist() == [[[255, 0, 0], [255, 255, 255]]]
    half = Image.new("LA", (1, 1), (0, 128))
    assert np.asarray(read_image(file_bytes(half, "PNG")))[0, 0].tolist() == [127, 127, 127]
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    see_through = file_bytes(palette, "PNG", transparency=1)
    assert np.asarray(read_image(see_through)).tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB", "HSV", "PA", "La", "RGBa", "RGBX"])
def test_pixel_modes_become_rgb(mode: str) -> None:
    white = Image.new("RGB", (3, 2), "white")
    image = {"LAB": Image.new("LAB", (3, 2), (255, 128, 128)), "PA": white.convert("P").convert("PA")}.get(mode)
    if image is None:
        via = {"La": "LA", "RGBa": "RGBA"}.get(mode)
        image = white.convert(via).convert(mode) if via else white.convert(mode)
    read = images._as_rgb(image)
    assert read.mode == "RGB"
    assert np.asarray(read).min() >= 253


def test_cmyk_jpeg() -> None:
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red, green, blue = np.asarray(read_image(file_bytes(cmyk, "JPEG"), min_size=(4, 4)))[0, 0].astype(int)
    assert red > 200
    assert max(green, blue) < 60


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("blue", "red")]
    data = file_bytes(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.asarray(read_image(data))[0, 0].tolist() == [0, 0, 255]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(60000, 60000), (12000, 12000), (2**31 - 1, 1)])
def test_bombs_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match="134,217,728"):
        read_image(png_header(*size))


def test_what_is_no_picture_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "note\n.png").write_text("not a picture")
    whole = file_bytes(Image.fromarray(smooth(64, 64)), "JPEG")
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "vector.eps").write_bytes(file_bytes(Image.fromarray(smooth()), "EPS"))
    cases = {
        "empty.jpg": "empty",
        "note\n.png": "no format that can be read",
        "cut.jpg": "damaged or cut short",
        "missing.png": "does not exist",
        ".": "is a folder",
        "nul\0.png": "cannot be opened|does not exist",
        "vector.eps": "EPS",
    }
    for name, reason in cases.items():
        with pytest.raises(PictureError, match=reason) as caught:
            read_image(tmp_path / name)
        assert "\n" not in str(caught.value)
    for data in (b"", b"\0", png_header(50, 50)):
        with pytest.raises(PictureError, match="given as bytes"):
            read_image(data)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # pytest sets the filters of images.py aside
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "ICO", "PPM", "TGA"])
def test_damage_anywhere_gives_a_picture_or_our_error(kind: str) -> None:
    rng = np.random.default_rng(0)
    whole = file_bytes(Image.fromarray(smooth()), kind)
    for _ in range(60):
        damaged = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for at in rng.integers(len(damaged), size=3):
            damaged[at] = rng.integers(256)
        try:
            assert read_image(bytes(damaged), min_size=(8, 8)).mode == "RGB"
        except PictureError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("modality", VISUAL_MODALITIES)
def test_fit_image_stretches_to_height_and_width(modality: Modality) -> None:
    for size in [(32, 8), (7, 31), (128, 64), (1, 1)]:
        planes = fit_image(Image.fromarray(smooth()), size, modality)
        assert planes.shape == (3, *size)
        assert planes.dtype == np.uint8
        assert planes.flags["C_CONTIGUOUS"]
        assert planes.flags["WRITEABLE"]
        assert modality.has_colour or (planes == planes[0]).all()


def test_fit_image_averages_what_it_shrinks() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 16, 3), dtype=np.uint8)
    expected = pixels.reshape(6, 4, 4, 4, 3).mean(axis=(1, 3))  # (6, 4, 3)
    planes = fit_image(Image.fromarray(pixels), (6, 4), Modality.RGB)
    assert np.abs(planes.transpose(1, 2, 0) - expected).max() <= 1
    large = np.random.default_rng(1).integers(0, 256, (120, 100, 3), dtype=np.uint8)
    expected = large.reshape(6, 20, 5, 20, 3).mean(axis=(1, 3))
    planes = fit_image(Image.fromarray(large), (6, 5), Modality.RGB)
    assert np.abs(planes.transpose(1, 2, 0) - expected).max() <= 2  # in two steps, so rounded twice
    # Narrower and taller at once: columns are averaged although the rows are not.
    wide = np.repeat(np.tile(np.array([0, 255], np.uint8), 32)[None, :, None], 3, axis=2)  # (1, 64, 3)
    assert np.abs(fit_image(Image.fromarray(wide), (4, 8), Modality.RGB).astype(int) - 127.5).max() <= 1


def test_grey_modalities_see_the_luma() -> None:
    planes = fit_image(Image.new("RGB", (8, 8), (200, 100, 50)), (4, 4), Modality.SKETCH)
    assert np.abs(planes - (0.299 * 200 + 0.587 * 100 + 0.114 * 50)).max() <= 1


def test_equal_size_leaves_the_pixels_alone() -> None:
    planes = fit_image(Image.fromarray(smooth()), (24, 16), Modality.RGB)
    assert np.array_equal(planes.transpose(1, 2, 0), smooth())


@pytest.mark.parametrize("modality", VISUAL_MODALITIES)
def test_normalise_is_minus_mean_by_deviation(modality: Modality) -> None:
    pixels = torch.randint(0, 256, (2, 3, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    before = pixels.clone()
    clip = zip((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711), strict=True)
    constants = list(clip) if modality.has_colour else [(0.4492, 0.2686)] * 3
    expected = torch.stack([(pixels[:, c] / 255 - mean) / std for c, (mean, std) in enumerate(constants)], dim=1)
    values = normalise(pixels, modality)
    assert values.dtype == torch.float32
    assert torch.allclose(values, expected, atol=1e-5)
    assert torch.equal(pixels, before)


def test_normalise_keeps_grey_channels_equal() -> None:
    grey = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).repeat(1, 3, 1, 1)
    values = normalise(grey, Modality.INFRARED)
    assert torch.equal(values[:, 0], values[:, 1])
    assert torch.equal(values[:, 0], values[:, 2])


def test_text_has_no_pixels() -> None:
    with pytest.raises(DataError, match="'text'"):
        fit_image(Image.new("RGB", (4, 4)), (4, 4), Modality.TEXT)
    with pytest.raises(DataError, match="'text'"):
        normalise(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), Modality.TEXT)
    with pytest.raises(DataError, match="uint8"):
        normalise(torch.zeros(1, 3, 4, 4), Modality.RGB)
