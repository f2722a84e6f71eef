"""Who may do what: by API key, or, where there are no keys, anybody on this very machine."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from aio_reid.errors import ConfigError
from aio_reid.server.keys import KeyRing
from aio_reid.server.problems import Refusal

LOCAL = "local"
"""Who asks where there are no keys."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the audit log names them: the name of the key and its id."""

    name: str
    key_id: str | None = None


def is_loopback(host: str) -> bool:
    """Tell whether an address, or a name, can only be reached from this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_binding(host: str, keys: KeyRing) -> None:
    """Refuse to open galleries of people to a network without keys.

    Raises:
        ConfigError: the address is not loopback, and there is no valid key.
    """
    if not is_loopback(host) and not keys.are_required:
        raise ConfigError(
            f"--host {host} can be reached by others, and there is no key; make one with `aio-reid keys create NAME "
            "--scope search`, or leave --host out"
        )


class Access:
    """Decides about each request."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def check_origin(self, headers: Headers, path: str = "/") -> None:
        """Keep out web pages of others, which a browser on this machine may have open; they may link to the page of
        this service, but not have the browser ask for anything of a gallery, such as a picture.

        Without keys, the Host must be this machine: a foreign name that leads here (DNS rebinding) is not.

        Raises:
            Refusal: another host or origin.
        """
        host = headers.get("host", "")
        if not self._keys.are_required and not is_loopback(_name_of(host)):
            remedy = "use http://127.0.0.1, or make keys with `aio-reid keys create`"
            raise Refusal(403, "host_not_allowed", f"the host {host[:80]!r} is not this machine", remedy)
        origin = headers.get("origin")
        if origin is not None and _place_of(origin) != host.lower():
            remedy = "use the page of this service, or a program"
            raise Refusal(403, "origin_not_allowed", f"a page of {origin[:80]!r} asked", remedy)

        site = headers.get("sec-fetch-site", "none")
        if path.startswith("/v1/") and site not in ("same-origin", "none"):
            remedy = "use the page of this service, or a program"
            raise Refusal(403, "origin_not_allowed", f"a page of another site asked ({site[:40]!r})", remedy)

    def caller(self, headers: Headers, scope: str) -> Caller:
        """Return who asks.

        Raises:
            Refusal: no valid key, or one without the scope.
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = self._keys.find(token.strip())
        if not self._keys.are_required:
            return Caller(LOCAL)
        if scheme.lower() != "bearer" or key is None:
            raise Refusal(
                401,
                "key_needed",
                "there is no valid key in the request",
                "send the header Authorization: Bearer KEY",
                {"WWW-Authenticate": "Bearer"},
            )
        if not key.allows(scope):
            message = f"the key {key.name!r} is for {', '.join(key.scopes)}, not for {scope}"
            raise Refusal(403, "scope_needed", message, f"use a key with the scope {scope}")
        return Caller(key.name, key.id)


def _name_of(host: str) -> str:
    """Return a Host header without its port; empty where it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _place_of(origin: str) -> str:
    """Return host and port of an Origin header; empty where it cannot be read ("null" among it)."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
