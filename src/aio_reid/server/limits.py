"""What one request, and all of them together, may cost."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20
LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds.

    Attributes:
        body_bytes: of a whole request.
        picture_bytes, pixels: of one picture; pixels are counted before anything is decoded.
        parts: pictures, sentences and options of a form together.
        text_length: characters of one sentence or option.
        upload_s: until a request has arrived; then 408.
        answer_s: from then on until its answer; then 504.
        requests: in progress at a time; then 429.
        queued: inputs that wait for the model; then 429.
        batch_size, batch_wait_s: inputs of one forward pass, and how long the first of them waits for others.
        decoders: pictures that are decoded at a time.
        top: most hits of one search.
    """

    body_bytes: int = 32 * MIB
    picture_bytes: int = 16 * MIB
    pixels: int = 50_000_000
    parts: int = 64
    text_length: int = 2000
    upload_s: float = 20.0
    answer_s: float = 30.0
    requests: int = 64
    queued: int = 256
    batch_size: int = 32
    batch_wait_s: float = 0.004
    decoders: int = 2
    top: int = LARGEST_PAGE
