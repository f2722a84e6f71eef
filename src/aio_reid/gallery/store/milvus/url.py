"""Names of galleries in a cluster: milvus://HOST:PORT/GALLERY."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aio_reid.errors import ConfigError

SCHEME = "milvus://"
DEFAULT_PORT = 19530
_URL = re.compile(r"milvus://(?P<host>[^/:@?#\s]+|\[[0-9A-Fa-f:]+\])(?::(?P<port>\d{1,5}))?/(?P<gallery>[^/?#\s]+)/?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,199}")


@dataclass(frozen=True, slots=True)
class MilvusUrl:
    """Where a gallery lies: a server, and the name of the gallery there."""

    host: str
    port: int
    gallery: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.host}:{self.port}/{self.gallery}"


def is_milvus_url(text: str) -> bool:
    """Tell whether a place is meant as one in a cluster."""
    return text.startswith("milvus:")


def parse_milvus_url(text: str) -> MilvusUrl:
    """Return the parts of milvus://HOST:PORT/GALLERY; the port may be left out.

    Raises:
        ConfigError: it is written otherwise.
    """
    found = _URL.fullmatch(text)
    if found is None:
        raise ConfigError(
            f"cannot read {text!r}; write {SCHEME}HOST:PORT/GALLERY (a user's name does not belong there: the token is "
            "taken from the environment, AIO_REID_MILVUS_TOKEN)"
        )
    port = int(found["port"] or DEFAULT_PORT)
    if not 0 < port < 65536:
        raise ConfigError(f"{port} in {text!r} is no port; give one from 1 to 65535")
    if not _NAME.fullmatch(found["gallery"]):
        raise ConfigError(
            f"{found['gallery']!r} cannot name a gallery in Milvus; use letters, digits and _, a letter first"
        )
    return MilvusUrl(found["host"], port, found["gallery"])
