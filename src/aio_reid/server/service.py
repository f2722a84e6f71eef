"""The service's parts, and how one request goes through them: who asks, is there room, what came, the work, in time."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request

from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.query import part_content
from aio_reid.server.access import Access, Caller
from aio_reid.server.audit import AuditLog
from aio_reid.server.batching import Batcher
from aio_reid.server.embedding import RequestEmbedder, SharedModel
from aio_reid.server.galleries import Galleries, ServedGallery
from aio_reid.server.keys import KeyRing
from aio_reid.server.limits import Limits
from aio_reid.server.metrics import Labels, Metrics
from aio_reid.server.model import ServiceModel
from aio_reid.server.problems import busy, still_running, too_late
from aio_reid.server.uploads import Part, parse_form, read_body

Result = TypeVar("Result")
WRITING = ("enrol", "erase")
"""Scopes whose work changes a gallery."""
_GRACE_S = 2.0
"""What the work may take longer than its deadline, which it watches itself where it waits."""


class Service:
    """Everything that requests share.

    Args:
        caches: gives the folders of caches of searches that an erasure has to reach; asked at each erasure.
        web: folder of the page; None serves none.
    """

    def __init__(
        self,
        model: ServiceModel,
        galleries: Galleries,
        audit: AuditLog,
        keys: KeyRing,
        *,
        limits: Limits | None = None,
        caches: Callable[[], Sequence[Path]] = tuple,
        web: Path | None = None,
    ) -> None:
        self.model, self.galleries, self.audit, self.keys = model, galleries, audit, keys
        self.limits = limits or Limits()
        self.caches, self.web = caches, web
        self.access, self.metrics = Access(keys), Metrics()
        self.batcher = Batcher(model.embed, self.limits, self.metrics.batch, num_lanes=model.num_lanes)
        self.is_ending = False
        self._shared = SharedModel(model, self.batcher, self.limits.decoders)
        self._pool = ThreadPoolExecutor(self.limits.requests, thread_name_prefix="aio-reid-request")
        self._num_active = 0

    async def answer(self, request: Request, scope: str, work: Callable[[Work], Result]) -> Result:
        """Do the work of a request without a body, in a thread.

        Raises:
            Refusal: no key for the scope, no room, or out of time.
        """
        return await self._admitted(
            self.access.caller(request.headers, scope), lambda who: self._in_thread(who, (), work, scope)
        )

    async def answer_form(self, request: Request, scope: str, work: Callable[[Work], Result]) -> Result:
        """Read the form of a request, then do its work in a thread.

        Raises:
            Refusal: as `answer`, and where the form cannot be read.
        """

        async def read_then_work(who: Caller) -> Result:
            body = await read_body(request, self.limits)
            parts = parse_form(request.headers.get("content-type", ""), body, self.limits)
            return await self._in_thread(who, parts, work, scope)

        return await self._admitted(self.access.caller(request.headers, scope), read_then_work)

    def gauges(self) -> dict[str, tuple[str, dict[Labels, float]]]:
        """Return present values for the metrics."""
        counts: dict[Labels, float] = {
            (("gallery", name),): float(count) for name, (_, count) in self.galleries.counted().items()
        }
        return {
            "aio_reid_requests_active": ("Requests in progress.", {(): float(self._num_active)}),
            "aio_reid_queue_inputs": ("Inputs that wait for the model.", {(): float(self.batcher.num_waiting)}),
            "aio_reid_gallery_pictures": ("Pictures of a gallery.", counts),
        }

    def close(self) -> None:
        """End what runs, finished where it was accepted, and close all files."""
        self.is_ending = True
        self._pool.shutdown(wait=True)
        self.batcher.close()
        self.audit.close()
        self.galleries.close()

    async def _admitted(self, who: Caller, work: Callable[[Caller], Awaitable[Result]]) -> Result:
        if self._num_active >= self.limits.requests:
            raise busy("too_many_requests", f"{self._num_active} requests are in progress already")
        self._num_active += 1
        try:
            return await work(who)
        finally:
            self._num_active -= 1

    async def _in_thread(
        self, who: Caller, parts: Sequence[Part], work: Callable[[Work], Result], scope: str
    ) -> Result:
        task = Work(self, self._shared, who, parts, time.monotonic() + self.limits.answer_s)
        running = asyncio.get_running_loop().run_in_executor(self._pool, work, task)
        done, _ = await asyncio.wait({running}, timeout=self.limits.answer_s + _GRACE_S)
        if not done:
            # A thread cannot be stopped; it ends by itself, and until then its place is taken.
            self._num_active += 1
            running.add_done_callback(self._forget)
            message = f"the answer took more than {self.limits.answer_s:g} s"
            raise still_running(message) if scope in WRITING else too_late(message)
        return running.result()

    def _forget(self, running: asyncio.Future[Any]) -> None:
        self._num_active -= 1
        if not running.cancelled():
            running.exception()  # taken, so that nobody complains that it was never asked for


class Work:
    """One request while it is worked on: its form, its deadline, and what it may use."""

    def __init__(
        self, service: Service, shared: SharedModel, who: Caller, parts: Sequence[Part], deadline: float
    ) -> None:
        self.service, self.parts = service, parts
        self.embedder = RequestEmbedder(shared, deadline)
        self._who = who

    def record(self, what: str, gallery: ServedGallery | None = None, **details: Any) -> None:
        """Write into the audit log; returns when it is on the disk.

        Raises:
            StorageError: it cannot be written. The request fails then: nothing is answered that was not recorded.
        """
        event: dict[str, Any] = {"who": self._who.name, "key": self._who.key_id, "what": what}
        if gallery is not None:
            about = gallery.reader().about()
            event |= {"gallery": gallery.name, "gallery_id": about.gallery_id, "version": about.version}
        self.service.audit.add({**event, **details})


def query_hash(parts: Sequence[QueryPart]) -> str:
    """Return the SHA-256, in hex, of what was asked: of the modality and SHA-256 of each part, a line each. Who has the
    same sentence and pictures can compute it; nobody else learns them from it, but short sentences can be guessed.
    """
    lines = [f"{part.modality.value} {part_content(part).hex()}" for part in parts]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
