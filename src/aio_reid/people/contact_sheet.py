"""A picture that shows people in every modality, with a sentence about each: for looking at what is drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aio_reid.errors import DataError, StorageError
from aio_reid.people.identity import Identity
from aio_reid.people.plan import PeoplePlan, Shot, ViewCounts, draw_shot, tell_shot
from aio_reid.people.write import store_bytes
from aio_reid.records import Modality

CELL = (256, 128)
GAP, CAPTION_HEIGHT, FONT_SIZE, COLUMNS = 6, 46, 15, 2
_INK, _PAPER = (40, 40, 40), (255, 255, 255)


def contact_sheet(identities: Sequence[Identity], out: Path, *, photos: int = 3, seed: int = 0) -> Path:
    """Draw each person as photos from different cameras, infrared frame, sketch and pencil drawing; write a picture.

    Args:
        identities: at least one; two stand side by side.
        out: file whose ending names the format, e.g. .jpg or .png.
        seed: of cameras, artists and sentences.

    Returns:
        `out`.

    Raises:
        DataError: no identities, or a format that Pillow cannot write. StorageError: the file cannot be written.
    """
    if not identities:
        raise DataError("a contact sheet of 0 people: give at least one")
    picture_format = check_format(out)
    plan = PeoplePlan(len(identities), seed, ViewCounts(photos, 1, 1, 1, 1), CELL)
    blocks = [_block(identity, plan.shots(index)) for index, identity in enumerate(identities)]
    buffer = BytesIO()
    _tiled(blocks).save(buffer, picture_format, quality=90)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        store_bytes(out, buffer.getvalue())
    except OSError as error:
        raise StorageError(f"cannot write {str(out)!r}: {error.strerror or error}; name another file") from error
    return out


def check_format(out: Path) -> str:
    """Return the picture format that a file name's ending stands for.

    Raises:
        DataError: none that Pillow can write.
    """
    picture_format = Image.registered_extensions().get(out.suffix.lower())
    if picture_format is None or picture_format not in Image.SAVE:
        raise DataError(f"{str(out)!r} names no picture format; name a .jpg or .png file")
    return picture_format


def _block(identity: Identity, shots: Sequence[Shot]) -> Image.Image:
    """Draw one person: a row of pictures, their kinds above, the sentence below."""
    pictures = [shot for shot in shots if shot.modality.is_visual]
    pictures.sort(key=lambda shot: _order(shot.modality))
    height, width = CELL
    head = FONT_SIZE + 6
    block = Image.new("RGB", (len(pictures) * (width + GAP) - GAP, head + height + CAPTION_HEIGHT), _PAPER)
    pen, font = ImageDraw.Draw(block), ImageFont.load_default(FONT_SIZE)
    for place, shot in enumerate(pictures):
        x = place * (width + GAP)
        name = shot.camera_id if shot.modality is Modality.RGB else shot.modality.label
        pen.text((x, 2), f"photo {name}" if shot.modality is Modality.RGB else str(name), _INK, font)
        block.paste(Image.fromarray(np.ascontiguousarray(draw_shot(shot, identity, CELL))), (x, head))
    sentence = next(tell_shot(shot, identity).text for shot in shots if not shot.modality.is_visual)
    columns = int(block.width / (0.5 * FONT_SIZE))
    pen.multiline_text((0, head + height + 4), "\n".join(textwrap.wrap(sentence, columns)[:2]), _INK, font, spacing=2)
    return block


def _order(modality: Modality) -> int:
    return (Modality.RGB, Modality.INFRARED, Modality.SKETCH, Modality.PENCIL).index(modality)


def _tiled(blocks: Sequence[Image.Image]) -> Image.Image:
    columns = min(COLUMNS, len(blocks))
    rows = -(-len(blocks) // columns)
    step_x, step_y = blocks[0].width + 4 * GAP, blocks[0].height + GAP
    sheet = Image.new("RGB", (columns * step_x - 4 * GAP + 2 * GAP, rows * step_y + GAP), _PAPER)
    for place, block in enumerate(blocks):
        sheet.paste(block, (GAP + place % columns * step_x, GAP + place // columns * step_y))
    return sheet
