"""The addresses of the service. What they do stands in `work.py`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response, Security
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from aio_reid.server import work as does
from aio_reid.server.answers import (
    EmbedAnswer,
    EnrolAnswer,
    ErasureAnswer,
    GalleriesAnswer,
    ItemAnswer,
    ItemsAnswer,
    SearchAnswer,
    TokensAnswer,
)
from aio_reid.server.examples import embed_form, enrol_form, search_form, tokens_form
from aio_reid.server.forms import FILTERS, LARGEST_ID, make_where
from aio_reid.server.limits import LARGEST_PAGE
from aio_reid.server.pictures import MEDIA_TYPES
from aio_reid.server.problems import RESPONSES
from aio_reid.server.service import Service

KEY = HTTPBearer(auto_error=False, description="An API key of `aio-reid keys create`; not needed without keys.")

Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Name = Annotated[str | None, Query(description="Needed where several galleries are served.")]


class Filters(BaseModel):
    """A part of a gallery. Values of one field widen it, different fields narrow it."""

    model_config = ConfigDict(extra="forbid")

    gallery: str | None = None
    id: list[str] = []
    camera: list[str] = []
    track: list[str] = []
    modality: list[str] = []
    since: list[str] = []
    until: list[str] = []
    where: list[str] = []

    def fields(self) -> dict[str, list[str]]:
        """Return the filters by name."""
        return {name: getattr(self, name) for name in FILTERS}


class Listing(Filters):
    """A page of a part of a gallery."""

    cursor: str | None = None
    limit: int = Field(50, ge=1, le=LARGEST_PAGE)


def make_router(service: Service) -> APIRouter:
    """Return the addresses below /v1."""
    router = APIRouter(prefix="/v1", responses=RESPONSES, dependencies=[Security(KEY)])
    _add_queries(router, service)
    _add_enrolment(router, service)
    _add_reading(router, service)
    _add_pictures(router, service)
    return router


def _add_queries(router: APIRouter, service: Service) -> None:
    @router.post("/embed", response_model=EmbedAnswer, openapi_extra=embed_form(service.limits))
    async def embed(request: Request) -> Response:
        """Return unit vectors of sentences and pictures: of all together, or with fusion=separate of each."""
        return await service.answer_form(request, "search", lambda task: JSONResponse(does.embed(task)))

    @router.post("/tokens", response_model=TokensAnswer, openapi_extra=tokens_form(service.limits))
    async def tokens(request: Request) -> Response:
        """Tell how many tokens a sentence has, and which of its words are beyond what the model reads."""
        return await service.answer_form(request, "search", lambda task: JSONResponse(does.count_tokens(task)))

    @router.post("/search", response_model=SearchAnswer, openapi_extra=search_form(service.limits))
    async def search(request: Request) -> Response:
        """Rank the pictures of a gallery by any combination of sentences, photos, infrared frames and sketches, and of
        pictures of the gallery to be like or unlike.
        """
        return await service.answer_form(request, "search", lambda task: JSONResponse(does.search(task)))


def _add_enrolment(router: APIRouter, service: Service) -> None:
    @router.put("/items", response_model=EnrolAnswer, openapi_extra=enrol_form())
    async def enrol(request: Request) -> Response:
        """Add a picture, or describe anew one that is there: pictures are known by their content."""
        return await service.answer_form(request, "enrol", lambda task: JSONResponse(does.enrol(task)))

    @router.delete("/items", response_model=ErasureAnswer)
    async def erase(request: Request, chosen: Annotated[Filters, Query()]) -> Response:
        """Erase the pictures that fulfil a filter, from the gallery, caches and backups; return the certificate."""

        def work(task: Any) -> Response:
            return JSONResponse(does.erase(task, chosen.gallery, make_where(chosen.fields())))

        return await service.answer(request, "erase", work)

    @router.delete("/items/{number}", response_model=ErasureAnswer)
    async def erase_one(request: Request, number: Id, gallery: Name = None) -> Response:
        """Erase one picture; return the certificate."""
        return await service.answer(request, "erase", lambda task: JSONResponse(does.erase_one(task, gallery, number)))


def _add_reading(router: APIRouter, service: Service) -> None:
    @router.get("/items", response_model=ItemsAnswer)
    async def list_items(request: Request, chosen: Annotated[Listing, Query()]) -> Response:
        """List the pictures of a gallery, a page at a time, in the order of their ids."""

        def work(task: Any) -> Response:
            return JSONResponse(does.list_items(task, chosen.gallery, chosen.fields(), chosen.cursor, chosen.limit))

        return await service.answer(request, "search", work)

    @router.get("/items/{number}", response_model=ItemAnswer)
    async def open_item(request: Request, number: Id, gallery: Name = None) -> Response:
        """Describe one picture."""
        return await service.answer(request, "search", lambda task: JSONResponse(does.open_item(task, gallery, number)))

    @router.get("/galleries", response_model=GalleriesAnswer)
    async def list_galleries(request: Request) -> Response:
        """List the galleries that are served."""
        return await service.answer(request, "search", lambda task: JSONResponse(does.list_galleries(task)))


def _add_pictures(router: APIRouter, service: Service) -> None:
    binary = {"schema": {"type": "string", "format": "binary"}}
    kinds = dict.fromkeys((*sorted(set(MEDIA_TYPES.values())), "application/octet-stream"), binary)
    answer: dict[int | str, dict[str, Any]] = {
        200: {"content": kinds, "description": "The picture as it was enrolled."}
    }
    gone: dict[int | str, dict[str, Any]] = {410: {**RESPONSES[404], "description": "Gone"}}

    @router.get("/items/{number}/picture", response_class=Response, responses={**answer, **gone})
    async def open_picture(request: Request, number: Id, gallery: Name = None) -> Response:
        """Return the bytes of a picture: the gallery's copy, or the file, if it still is what was enrolled."""
        data, kind = await service.answer(request, "search", lambda task: does.open_picture(task, gallery, number))
        # In a window of its own it is shown without any right, whatever else the file may be.
        return Response(data, media_type=kind, headers={"Content-Security-Policy": "sandbox; default-src 'none'"})
