"""The connection with a Milvus server, and how its errors are told."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aio_reid.errors import ConfigError, StorageError
from aio_reid.gallery.store.milvus.url import MilvusUrl

TOKEN_VARIABLE = "AIO_REID_MILVUS_TOKEN"
LARGEST_LIMIT = 16384
"""Milvus returns at most so many rows at once."""

BATCH = 1000
_TIMEOUT_S = 60.0
Row = dict[str, Any]


class Engine:
    """One connection; every answer takes in what was acknowledged before.

    Raises:
        ConfigError: pymilvus is not installed.
        StorageError: there is no server.
    """

    def __init__(self, url: MilvusUrl) -> None:
        try:
            from pymilvus import MilvusClient, MilvusException
        except ImportError:
            raise ConfigError(
                f"{str(url)!r} needs pymilvus, which is not installed; in the project: pip install -e '.[milvus]'"
            ) from None
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)  # it prints a traceback of what it raises
        self.url = url
        self._error: type[Exception] = MilvusException
        with self.told():
            token = os.environ.get(TOKEN_VARIABLE, "")
            self.client = MilvusClient(uri=f"http://{url.host}:{url.port}", token=token, timeout=_TIMEOUT_S)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn what pymilvus raises into one line.

        Raises:
            StorageError: in place of MilvusException.
        """
        try:
            yield
        except self._error as error:
            reason = " ".join(str(getattr(error, "message", error)).split())[:300]
            raise StorageError(
                f"gallery {str(self.url)!r}: Milvus says: {reason or type(error).__name__}; check that the server runs "
                "and can be reached, and repeat"
            ) from None

    def exists(self, collection: str) -> bool:
        """Tell whether there is a collection."""
        with self.told():
            return bool(self.client.has_collection(collection))

    def count(self, collection: str, expression: str) -> int:
        """Return the number of rows that fulfil an expression."""
        with self.told():
            found = self.client.query(collection, filter=expression, output_fields=["count(*)"])
        return int(found[0]["count(*)"])

    def rows(self, collection: str, expression: str, fields: Sequence[str]) -> Iterator[Row]:
        """Yield the rows that fulfil an expression, in the order of their ids, a batch at a time."""
        with self.told():
            batches = self.client.query_iterator(
                collection, filter=expression, output_fields=list(fields), batch_size=BATCH
            )
        try:
            while True:
                with self.told():
                    batch = batches.next()
                if not batch:
                    return
                yield from batch
        finally:
            batches.close()

    def nearest(
        self, collection: str, vector: Sequence[float], expression: str, limit: int, fields: Sequence[str]
    ) -> list[Row]:
        """Return the rows with the largest products with a vector, best first: their fields, `id`, and `distance`."""
        with self.told():
            (hits,) = self.client.search(
                collection,
                data=[vector],
                filter=expression,
                limit=limit,
                output_fields=list(fields),
                search_params={"metric_type": "IP", "params": {}},
            )
        return [{**hit["entity"], "id": hit["id"], "distance": hit["distance"]} for hit in hits]

    def close(self) -> None:
        """Let go of the connection."""
        self.client.close()
