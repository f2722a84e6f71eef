"""What OpenAPI says of the forms: the handlers read them themselves, within bounds, so FastAPI cannot know."""

from __future__ import annotations

from typing import Any

from aio_reid.records import FUSIONS, VISUAL_MODALITIES
from aio_reid.server.forms import ENCODINGS, FLAGS, SEPARATE
from aio_reid.server.limits import Limits

Schema = dict[str, Any]

TIME = {"type": "string", "examples": ["2026-04-12T12:00:00"]}
TEXT: Schema = {"type": "string"}


def search_form(limits: Limits) -> Schema:
    """Return the body of a search."""
    ids = {"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": limits.parts}
    return _form(
        {
            "gallery": {**TEXT, "description": "Needed where several are served."},
            **_evidence(limits),
            "weight": _texts("How much a kind of evidence counts, e.g. sketch=0.5; then vectors are fused late."),
            "like": {**ids, "description": "More like these pictures of the gallery."},
            "unlike": {**ids, "description": "Less like these."},
            "by_track": _flag("Show a track as one."),
            "top": {"type": "integer", "minimum": 1, "maximum": limits.top, "default": 20},
            "expected": {
                "type": "number",
                "exclusiveMinimum": 0,
                "default": 1,
                "description": "Pictures of the person expected in the gallery; a probability needs it.",
            },
            "raw": _flag("Rank by score, though scores are calibrated."),
            "fusion": {"type": "string", "enum": list(FUSIONS)},
            "id": {**ids, "description": "Only these pictures."},
            "camera": _texts("Only these cameras."),
            "track": _texts("Only these tracks."),
            "modality": _texts("Only rgb, infrared, ..."),
            "since": {**TIME, "description": "Not before."},
            "until": {**TIME, "description": "Before this time."},
            "where": _texts("A condition on a column of your own: person=0012, height>=175."),
        },
        {"text": ["a man in a red jacket"], "camera": ["north", "gate"], "top": 5},
    )


def embed_form(limits: Limits) -> Schema:
    """Return the body of an embedding."""
    return _form(
        {
            **_evidence(limits),
            "fusion": {"type": "string", "enum": [*FUSIONS, SEPARATE]},
            "encoding": {"type": "string", "enum": list(ENCODINGS)},
        },
        {"text": ["a man in a red jacket"], "encoding": "base64"},
    )


def tokens_form(limits: Limits) -> Schema:
    """Return the body of a question for the tokens of a sentence."""
    text = {**TEXT, "minLength": 1, "maxLength": limits.text_length}
    schema = _form({"text": text}, {"text": "a man in a red jacket"})
    schema["requestBody"]["content"]["multipart/form-data"]["schema"]["required"] = ["text"]
    return schema


def enrol_form() -> Schema:
    """Return the body of an enrolment."""
    kinds = [m.value for m in VISUAL_MODALITIES]
    schema = _form(
        {
            "gallery": {**TEXT, "description": "Needed where several are served."},
            "picture": {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"},
            "modality": {"type": "string", "enum": kinds, "default": "rgb"},
            "camera": TEXT,
            "time": {**TIME, "description": "What the camera's clock showed, without a zone."},
            "track": TEXT,
            "source": TEXT,
            "frame": {"type": "integer", "minimum": 0},
            "columns": {**TEXT, "description": 'Your own columns, a JSON object: {"person": "0012", "height": 181}.'},
        },
        None,
    )
    schema["requestBody"]["content"]["multipart/form-data"]["schema"]["required"] = ["picture"]
    return schema


def _evidence(limits: Limits) -> Schema:
    pictures = {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": limits.parts}
    return {
        "text": {**_texts("Sentences."), "items": {"type": "string", "minLength": 1, "maxLength": limits.text_length}},
        **{m.value: {**pictures, "description": f"Pictures: {m.label}."} for m in VISUAL_MODALITIES},
    }


def _texts(description: str) -> Schema:
    return {"type": "array", "items": TEXT, "description": description}


def _flag(description: str) -> Schema:
    return {"type": "string", "enum": list(FLAGS), "default": FLAGS[0], "description": description}


def _form(properties: Schema, example: Schema | None) -> Schema:
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    content: Schema = {"schema": schema}
    if example is not None:
        content["examples"] = {"example": {"value": example}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": content}}}
