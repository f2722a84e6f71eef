"""The work of requests: embed, search, enrol, erase, list. Each is recorded before it is answered."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.result import STATEMENT
from aio_reid.gallery.store.erase import erase_pictures
from aio_reid.gallery.store.pending import read_pending
from aio_reid.gallery.store.protocol import NewPicture, Picture, Where
from aio_reid.gallery.store.search import describe_where, search_gallery
from aio_reid.records import FUSIONS
from aio_reid.server.answers import PROGRAM, gallery_json, item_json, search_json
from aio_reid.server.cursors import page_of
from aio_reid.server.embedding import NothingKept
from aio_reid.server.forms import (
    EMBED,
    ENCODINGS,
    ENROL,
    PICTURES,
    SEARCH,
    SEPARATE,
    Form,
    make_where,
    read_description,
    read_question,
    upload_path,
)
from aio_reid.server.galleries import ServedGallery
from aio_reid.server.pictures import check_picture
from aio_reid.server.problems import Refusal
from aio_reid.server.service import Work, query_hash
from aio_reid.server.uploads import split_parts
from aio_reid.storage import written_whole

Json = dict[str, Any]
CERTIFICATES = "certificates"
"""Folder, in that of a gallery, of the certificates of what was erased through the service."""


def embed(work: Work) -> Json:
    """Embed the parts of a form, together or each."""
    form = Form(split_parts(work.parts, texts=EMBED, files=PICTURES), work.service.limits)
    fusion = form.choice("fusion", (*FUSIONS, SEPARATE), work.service.model.preferred_fusion)
    encoding = form.choice("encoding", ENCODINGS, ENCODINGS[0])
    parts = form.evidence()
    if not parts:
        raise DataError("there is nothing to embed; send a sentence or a picture")
    if fusion == SEPARATE:
        parts = _in_order_of_form(work, parts)
        vectors, unread = work.embedder.embed_each(parts), _unread(work, parts)
    else:
        query = work.embedder.embed_query(parts, fusion)
        vectors, unread = query.vector[np.newaxis], query.unread_words
    work.record("embed", query=query_hash(parts), num_vectors=len(vectors))
    return {
        "vectors": _encoded(vectors, encoding),
        "size": int(vectors.shape[1]),
        "fusion": fusion,
        "unread_words": list(unread),
        "weights": work.service.model.weights_hash,
    }


def search(work: Work) -> Json:
    """Search one gallery with what a form describes."""
    form = Form(split_parts(work.parts, texts=SEARCH, files=PICTURES), work.service.limits)
    gallery = work.service.galleries.get(form.text("gallery"))
    question = read_question(form, work.service.limits, work.service.model.preferred_fusion)
    store, asked = gallery.reader(), query_hash(question.parts)
    about = store.about()
    result = search_gallery(
        store, question, work.embedder, cache=NothingKept(), copies=False, note_photos=work.embedder.note_photos
    )
    answer = search_json(gallery.name, result, about=about, query_hash=asked)
    work.record(
        "search",
        gallery,
        query=asked,
        parts=answer["query"],
        like=list(question.like),
        unlike=list(question.unlike),
        filters=answer["filters"],
        shown=[hit["id"] for hit in answer["hits"]],
    )
    return answer


def count_tokens(work: Work) -> Json:
    """Tell how much of a sentence is read. Nothing is searched or shown, so nothing is recorded."""
    form = Form(split_parts(work.parts, texts=("text",), files=()), work.service.limits)
    sentence, model = form.text("text"), work.service.model
    if sentence is None:
        raise Refusal(422, "text_needed", "the form has no field text", "send one sentence")
    return {
        "num_tokens": model.count_tokens(sentence),
        "limit": model.context_length,
        "unread_words": list(model.unread_words(sentence)),
    }


def enrol(work: Work) -> Json:
    """Add the picture of a form to a gallery."""
    form = Form(split_parts(work.parts, texts=ENROL, files=("picture",)), work.service.limits)
    gallery = work.service.galleries.get(form.text("gallery"))
    part, description = form.picture(), read_description(form)
    if not gallery.reader().about().keeps_copies:
        message = f"the gallery {gallery.name!r} keeps no copies of pictures, and an upload has no other place"
        raise Refusal(409, "no_copies", message, "use one made with `aio-reid gallery create --copy`")
    picture = Picture(hashlib.sha256(part.data).digest(), upload_path(part), **description)
    vector = work.embedder.embed_query([QueryPart(picture.modality, part.data)], "early").vector
    work.record("enrol", gallery, content=picture.content.hex(), modality=picture.modality.value)
    with gallery.writer(work.service.model.weights_hash) as store:
        added = store.add([NewPicture(picture, vector, part.data)])
        item = store.known([picture.content], picture.modality)[picture.content]
    state = "new" if added.new else "updated" if added.updated else "known"
    return {"state": state, "item": item_json(gallery.name, item)}


def erase(work: Work, name: str | None, where: Where) -> Json:
    """Erase a part of a gallery, and return the certificate, which is kept in the gallery's folder as well."""
    gallery = work.service.galleries.get(name)
    if where.is_everything:
        remedy = "say which pictures, e.g. camera=north; a whole gallery is erased by `aio-reid gallery erase --all`"
        raise Refusal(422, "filter_needed", "no filter is given", remedy)
    asked = list(describe_where(where))
    work.record("erase", gallery, filters=asked)
    with gallery.writer(work.service.model.weights_hash) as store:
        certificate = erase_pictures(store, where, caches=work.service.caches()).to_json()
    text = json.dumps(certificate, indent=2, ensure_ascii=False) + "\n"
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    _keep_certificate(gallery, text, digest)
    complete = certificate["is_complete"]
    work.record(
        "erased", gallery, filters=asked, num_erased=certificate["num_erased"], is_complete=complete, certificate=digest
    )
    return certificate


def erase_one(work: Work, name: str | None, number: int) -> Json:
    """Erase one picture. One that is gone, but not yet from every place, may be asked for again."""
    gallery = work.service.galleries.get(name)
    store = gallery.reader()
    if not (read_pending(store) or store.is_uncompacted):
        gallery.item(number)
    return erase(work, gallery.name, Where(ids=(number,)))


def list_items(
    work: Work, name: str | None, filters: Mapping[str, Sequence[str]], cursor: str | None, limit: int
) -> Json:
    """List a page of a gallery."""
    gallery = work.service.galleries.get(name)
    store = gallery.reader()
    where = make_where(filters)
    page = page_of(store.ids(where), cursor, limit)
    items = [item_json(gallery.name, item) for item in store.get(page.ids)]
    work.record("listed", gallery, filters=list(describe_where(where)), shown=[item["id"] for item in items])
    return {"items": items, "total": page.total, "next": page.next}


def open_item(work: Work, name: str | None, number: int) -> Json:
    """Describe one picture."""
    gallery = work.service.galleries.get(name)
    answer = item_json(gallery.name, gallery.item(number))
    work.record("opened", gallery, item=number)
    return answer


def open_picture(work: Work, name: str | None, number: int) -> tuple[bytes, str]:
    """Return the bytes of a picture and their media type."""
    gallery = work.service.galleries.get(name)
    data = gallery.picture(gallery.item(number))
    work.record("opened picture", gallery, item=number)
    return data, media_type(work, data)


def media_type(work: Work, data: bytes) -> str:
    """Return what a picture may be shown as; one that was enrolled without these limits may be none of the known."""
    try:
        return check_picture(data, "picture", work.service.limits)
    except Refusal:
        return "application/octet-stream"


def list_galleries(work: Work) -> Json:
    """List all galleries."""
    served = work.service.galleries
    known = served.counted()
    modalities = [modality.value for modality in work.service.model.modalities]
    return {
        "galleries": [gallery_json(name, about, count) for name, (about, count) in known.items()],
        "problems": {name: "cannot be read now" for name in served.all if name not in known},
        "modalities": modalities,
        "statement": STATEMENT,
        "program": PROGRAM,
    }


def _keep_certificate(gallery: ServedGallery, text: str, digest: str) -> None:
    folder = gallery.folder / CERTIFICATES
    folder.mkdir(mode=0o700, exist_ok=True)
    with written_whole(folder / f"erased-{digest[:16]}.json") as part:
        part.write_text(text, encoding="utf-8", errors="replace")


def _in_order_of_form(work: Work, parts: Sequence[QueryPart]) -> tuple[QueryPart, ...]:
    """Return evidence as it stood in the form: `Form.evidence` has it by modality."""
    by_modality = {name: [part for part in parts if part.modality.value == name] for name in (*PICTURES, "text")}
    return tuple(by_modality[part.name].pop(0) for part in work.parts if part.name in by_modality)


def _unread(work: Work, parts: Sequence[QueryPart]) -> tuple[str, ...]:
    return tuple(
        w for part in parts if isinstance(part.value, str) for w in work.service.model.unread_words(part.value)
    )


def _encoded(vectors: NDArray[np.float32], encoding: str) -> list[Any]:
    if encoding == "base64":
        return [base64.b64encode(row.astype("<f4").tobytes()).decode("ascii") for row in vectors]
    rows: list[Any] = vectors.tolist()
    return rows
