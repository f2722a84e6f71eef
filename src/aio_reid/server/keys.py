"""API keys: made from 256 random bits, shown once, stored as SHA-256.

A slow password hash would protect guessable secrets; these cannot be guessed, so a fast one loses nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aio_reid.errors import ConfigError, StorageError
from aio_reid.storage import written_whole

SCOPES = ("search", "enrol", "erase", "admin")
"""What a key may be used for; admin includes all others, and the metrics."""

FORMAT = "aio-reid keys 1"
_TOKEN = re.compile(r"aio_(?P<id>[0-9a-f]{8})_(?P<secret>[A-Za-z0-9_-]{43})")
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without its secret. Times are ISO 8601 in UTC; `revoked` is None while the key is valid."""

    id: str
    name: str
    scopes: tuple[str, ...]
    digest: str
    created: str
    revoked: str | None = None

    def allows(self, scope: str) -> bool:
        """Tell whether the key may be used for that."""
        return scope in self.scopes or "admin" in self.scopes


def default_keys_file() -> Path:
    """Return where this user's keys lie: XDG_CONFIG_HOME or ~/.config, then aio-reid/keys.json."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path("~/.config").expanduser()) / "aio-reid" / "keys.json"


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return all keys of a file, the revoked ones too; none where there is no file.

    Raises:
        StorageError: the file cannot be read, or is not what `write_keys` wrote.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
        return tuple(Key(**{**item, "scopes": tuple(item["scopes"])}) for item in content["keys"])
    except FileNotFoundError:
        return ()
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"the keys {str(path)!r} cannot be read ({reason}); check the permissions") from None
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"the keys {str(path)!r} are damaged ({error}); remove the file and make new keys") from None


def create_key(path: Path, name: str, scopes: Iterable[str]) -> tuple[Key, str]:
    """Add a key to a file and return it with its token, which is stored nowhere.

    Raises:
        ConfigError: an unknown scope, none, or a name that is empty, too long or taken.
        StorageError: the file cannot be read or written.
    """
    chosen = tuple(scope for scope in SCOPES if scope in set(scopes))
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not chosen:
        what = f"unknown scope {unknown[0]!r}" if unknown else "a key needs a scope"
        raise ConfigError(f"{what}; choose among: {', '.join(SCOPES)}")
    keys = read_keys(path)
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigError(
            f"the name {name[:_LONGEST_NAME]!r} cannot be; give 1 to {_LONGEST_NAME} printable characters"
        )
    if any(key.name == name and key.revoked is None for key in keys):
        raise ConfigError(f"there is a key {name!r} already; give another name, or revoke that one")
    number, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = Key(number, name, chosen, _digest(secret), _now())
    _write_keys(path, [*keys, key])
    return key, f"aio_{number}_{secret}"


def revoke_key(path: Path, name_or_id: str) -> Key:
    """Make a key invalid, also for services that run.

    Raises:
        ConfigError: there is no such valid key.
        StorageError: the file cannot be read or written.
    """
    keys = read_keys(path)
    for number, key in enumerate(keys):
        if name_or_id in (key.id, key.name) and key.revoked is None:
            revoked = replace(key, revoked=_now())
            _write_keys(path, [*keys[:number], revoked, *keys[number + 1 :]])
            return revoked
    valid = ", ".join(key.name for key in keys if key.revoked is None) or "none"
    raise ConfigError(f"there is no valid key {name_or_id!r}; the valid keys are: {valid}")


class KeyRing:
    """The keys of a file as a running service uses them: a change of the file holds from the next request on."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}
        self._turn = threading.Lock()
        self._are_required = False
        self._refresh()

    @property
    def are_required(self) -> bool:
        """There were keys at one time: that all were revoked opens nothing, before and after a restart."""
        return self._are_required

    def find(self, token: str) -> Key | None:
        """Return the valid key that a token belongs to, or None."""
        with self._turn:
            self._refresh()
        parts = _TOKEN.fullmatch(token)
        key = self._keys.get(parts["id"]) if parts else None
        secret = parts["secret"] if parts else ""
        expected = key.digest if key else _digest("")
        is_right = hmac.compare_digest(_digest(secret), expected)
        return key if is_right else None

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        except FileNotFoundError:
            self._keys, self._seen = {}, None
            return
        except OSError:
            seen = None  # what is the matter, `read_keys` will tell
        if seen is None or seen != self._seen:
            keys = read_keys(self._path)
            self._keys = {key.id: key for key in keys if key.revoked is None}
            self._are_required = self._are_required or bool(keys)
            self._seen = seen


def _write_keys(path: Path, keys: Sequence[Key]) -> None:
    content = {"format": FORMAT, "keys": [asdict(key) for key in keys]}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with written_whole(path) as part:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"the keys {str(path)!r} cannot be written ({reason}); give another --keys FILE") from None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
