"""`aio-reid serve`, its keys and its audit log."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aio_reid.cli.search import Device, ErasedCache
from aio_reid.errors import ConfigError

if TYPE_CHECKING:
    from aio_reid.server.service import Service

KeysFile = Annotated[
    Path | None, typer.Option("--keys", metavar="FILE", help="The file of keys; default: in the user's configuration.")
]
NEEDED = ("fastapi", "uvicorn", "python_multipart")


def serve(
    galleries: Annotated[list[Path], typer.Argument(help="Folders of galleries.", show_default=False)],
    *,
    host: Annotated[str, typer.Option(help="The address to listen on; any but loopback needs keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    keys: KeysFile = None,
    audit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The audit log; default: audit.jsonl in the first gallery.")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="A name or a weights file; default: the galleries' own.")] = None,
    device: Device = None,
    half: Annotated[bool, typer.Option("--half", help="Half the memory for vectors; the ranking is the same.")] = False,
    time_limit: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Longest time for an answer.")] = 30.0,
    requests: Annotated[int, typer.Option(min=1, max=1000, help="How many at a time; more are told 429.")] = 64,
    batch: Annotated[int, typer.Option(min=1, max=1024, help="Most inputs that are embedded together.")] = 32,
    cache: ErasedCache = None,
) -> None:
    """Serve galleries over HTTP: search, embed, enrol, erase (docs/service.md). Ends at Ctrl-C or SIGTERM."""
    _check_installed()
    from aio_reid.server.access import check_binding
    from aio_reid.server.app import make_app
    from aio_reid.server.keys import KeyRing, default_keys_file
    from aio_reid.server.limits import Limits
    from aio_reid.server.run import listen
    from aio_reid.server.run import serve as run

    ring = KeyRing(keys or default_keys_file())
    check_binding(host, ring)
    queued = max(4 * max(requests, batch), Limits().parts)  # one request alone must never be too much
    limits = Limits(answer_s=time_limit, requests=requests, queued=queued, batch_size=batch)
    with listen(host, port) as listening:  # first, so that a taken port is told before a model is loaded
        service = _make_service(
            galleries, ring, limits, audit=audit, weights=weights, device=device, half=half, cache=cache
        )
        place = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        asked = "a key is needed" if ring.are_required else "without keys, for this machine only"
        line = f"serving {', '.join(service.galleries.all)} at {place} ({asked})"
        run(make_app(service), listening, limits, started=lambda: typer.echo(line, err=True))


def create_key(
    name: Annotated[str, typer.Argument(help="Whose key it is; the audit log names it.", show_default=False)],
    scope: Annotated[
        list[str], typer.Option(help="search, enrol, erase or admin; may be given several times.", show_default=False)
    ],
    keys: KeysFile = None,
) -> None:
    """Make a key and print it, once: it is stored as a hash."""
    from aio_reid.server.keys import create_key as create
    from aio_reid.server.keys import default_keys_file

    path = keys or default_keys_file()
    key, token = create(path, name, scope)
    typer.echo(token)
    typer.echo(f"key {key.id} of {key.name} for {', '.join(key.scopes)}; it is not shown again ({path})", err=True)


def list_keys(keys: KeysFile = None) -> None:
    """List the keys, the revoked ones too; secrets are not known."""
    from aio_reid.cli.show import print_table
    from aio_reid.server.keys import default_keys_file, read_keys

    rows = [
        (key.id, key.name, ",".join(key.scopes), key.created, key.revoked or "")
        for key in read_keys(keys or default_keys_file())
    ]
    print_table(("id", "name", "scopes", "made", "revoked"), rows)


def revoke_key(
    name: Annotated[str, typer.Argument(help="Name or id of a key.", show_default=False)], keys: KeysFile = None
) -> None:
    """Make a key invalid at once, also for services that run."""
    from aio_reid.server.keys import default_keys_file
    from aio_reid.server.keys import revoke_key as revoke

    key = revoke(keys or default_keys_file(), name)
    typer.echo(f"revoked: key {key.id} of {key.name}", err=True)


def verify_audit(
    log: Annotated[Path, typer.Argument(help="An audit log, or the folder of a gallery.", show_default=False)],
    anchor: Annotated[
        str | None, typer.Option(metavar="NUMBER:HASH", help="What an earlier check printed, kept elsewhere.")
    ] = None,
) -> None:
    """Check the chain of an audit log: changed, removed, cut lines. Exit code 1 when something is wrong."""
    from aio_reid.cli.show import remark
    from aio_reid.server.audit import FILE_NAME
    from aio_reid.server.audit_check import check_audit

    found = check_audit(log / FILE_NAME if log.is_dir() else log, anchor)
    for problem in found.problems:
        typer.echo(problem)
    if found.is_torn:
        remark(
            "the last line is not whole: a process was killed while it wrote, or writes now; it was not acknowledged"
        )
    remark(f"{found.num_lines} lines, {len(found.problems) or 'no'} problems; anchor, to be kept elsewhere:")
    typer.echo(found.anchor)
    if found.problems:
        raise typer.Exit(1)


def _check_installed() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        install = f"{shlex.quote(sys.executable)} -m pip install -c constraints.txt -e '.[serve]'"
        raise ConfigError(f"{missing[0]} is not installed; in the project: {install}")


def _make_service(
    places: list[Path],
    ring: Any,
    limits: Any,
    *,
    audit: Path | None,
    weights: str | None,
    device: str | None,
    half: bool,
    cache: Path | None,
) -> Service:
    """Open galleries and audit log, then load the model, which takes longest."""
    from aio_reid.gallery.store.erase_places import caches_to_erase
    from aio_reid.gallery.store.protocol import check_weights
    from aio_reid.server.app import page_folder
    from aio_reid.server.audit import FILE_NAME, AuditLog
    from aio_reid.server.galleries import Galleries
    from aio_reid.server.service import Service
    from aio_reid.service_model import LoadedModel
    from aio_reid.weights import find_weights, hash_weights

    galleries = Galleries(places, half=half)
    abouts = [gallery.reader().about() for gallery in galleries.all.values()]
    chosen = find_weights(weights or abouts[0].weights_name)
    for about in abouts:
        check_weights(about, hash_weights(chosen))
    first = next(iter(galleries.all.values()))
    log = AuditLog(audit or first.folder / FILE_NAME)
    model = LoadedModel.load(chosen, device)
    return Service(
        model,
        galleries,
        log,
        ring,
        limits=limits,
        caches=partial(caches_to_erase, cache),
        web=page_folder(),
    )
