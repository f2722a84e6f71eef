"""`aio-reid gallery`: removing, erasing, checking, backing up, and bringing over to other weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aio_reid.cli.gallery import factory_of, lasting_name, make_gallery, opened, opened_anywhere
from aio_reid.cli.gallery_options import Gallery, LocalGallery, Source, chosen_part, with_filter_options
from aio_reid.cli.search import Device, ErasedCache

if TYPE_CHECKING:
    from aio_reid.gallery.store.erase import Certificate
    from aio_reid.gallery.store.milvus.url import MilvusUrl

All = Annotated[bool, typer.Option("--all", help="Every picture of the gallery.")]


@with_filter_options
def remove(gallery: Gallery, *, everything: All = False, where: Any = None) -> None:
    """Take pictures out of a gallery. Backups and caches keep them; see `erase`."""
    part = chosen_part(where, everything)
    with opened_anywhere(gallery, write=True) as store:
        typer.echo(f"removed {store.remove(part)} pictures, {store.count()} are left")


@with_filter_options
def erase(
    gallery: Gallery,
    *,
    everything: All = False,
    where: Any = None,
    certificate: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the certificate there.")] = None,
    forgotten: Annotated[
        list[Path] | None,
        typer.Option("--forget", metavar="PLACE", help="This backup or cache was deleted; do not look there any more."),
    ] = None,
    cache: ErasedCache = None,
) -> None:
    """Erase pictures from a gallery, its backups and the cache of searches, for good. Exit code 1 if a place was out of
    reach, or nothing was there of pictures that were named. Picture files outside of the gallery are not touched, nor
    are galleries that imported from this one.
    """
    from aio_reid.gallery.outputs import check_writable
    from aio_reid.gallery.store.erase import erase_pictures
    from aio_reid.gallery.store.erase_places import caches_to_erase
    from aio_reid.gallery.store.milvus.care import erase_from_cluster, forget_cluster_backup
    from aio_reid.gallery.store.milvus.store import MilvusStore
    from aio_reid.gallery.store.pending import forget_place

    part = chosen_part(where, everything)
    if certificate is not None:
        check_writable(certificate)
    caches = caches_to_erase(cache)
    with opened_anywhere(gallery, write=True) as store:
        if isinstance(store, MilvusStore):
            for path in forgotten or ():
                forget_cluster_backup(store, path)
            done = erase_from_cluster(store, part, caches=caches)
        else:
            for path in forgotten or ():
                forget_place(store, path)
            done = erase_pictures(store, part, caches=caches)
    _tell_certificate(done, certificate)
    if (part.ids or part.paths) and done.is_of_nothing:
        typer.echo("nothing was erased: no picture of the gallery, or of a backup of it, fulfils this filter", err=True)
        raise typer.Exit(1)


def _tell_certificate(done: Certificate, file: Path | None) -> None:
    """Print a certificate or write it, then what is not complete.

    Raises:
        typer.Exit: it is not complete; the exit code is 1.
    """
    from aio_reid.gallery.outputs import write_whole
    from aio_reid.gallery.store.erase import all_erased

    text = json.dumps(done.to_json(), indent=2, ensure_ascii=False) + "\n"
    if file is None:
        typer.echo(text, nl=False)
    else:
        write_whole(file, text)
        typer.echo(f"erased {done.num_erased} pictures, {done.num_after} are left; certificate: {file}")
    for place in (*done.caches, *done.backups):
        typer.echo(f"{place.path}: {place.state}", err=True)
    for limit in done.not_proven:
        typer.echo(f"not proven: {limit}", err=True)
    if not all_erased((*done.caches, *done.backups)):
        remedy = "make these places reachable and repeat; for one that was deleted, give --forget PLACE"
        typer.echo(f"not complete: {remedy}", err=True)
    if not done.is_complete:
        raise typer.Exit(1)


def stats(gallery: Gallery) -> None:
    """Say what a gallery holds."""
    from aio_reid.cli.show_gallery import print_cluster_stats, print_stats
    from aio_reid.gallery.store.milvus.store import MilvusStore

    with opened_anywhere(gallery) as store:
        if isinstance(store, MilvusStore):
            print_cluster_stats(store)
        else:
            print_stats(store)


def verify(
    gallery: Gallery,
    *,
    no_files: Annotated[bool, typer.Option("--no-files", help="Do not read the pictures it refers to.")] = False,
) -> None:
    """Check a gallery: the file, every vector, every picture it refers to. Exit code 1 when something is wrong."""
    from aio_reid.cli.show import remark
    from aio_reid.gallery.store.milvus.care import verify_cluster
    from aio_reid.gallery.store.milvus.store import MilvusStore
    from aio_reid.gallery.store.verify import verify_gallery
    from aio_reid.pages.text import shown
    from aio_reid.progress import console_progress

    with opened_anywhere(gallery) as store:
        if isinstance(store, MilvusStore):
            problems = verify_cluster(store, files=not no_files, progress=console_progress())
        else:
            problems = verify_gallery(store, files=not no_files, progress=console_progress())
        num_items = store.count()
    for problem in problems:
        typer.echo(f"{problem.kind}: {shown(problem.text)}")
    remark(f"{num_items} pictures checked, {len(problems) or 'no'} problems")
    if problems:
        raise typer.Exit(1)


def export(gallery: Gallery, file: Annotated[Path, typer.Argument(help="The backup, e.g. backup.sqlite.")]) -> None:
    """Write a gallery as one file, which can be searched, verified and imported; `erase` reaches it."""
    from aio_reid.gallery.store.backups import export_gallery
    from aio_reid.gallery.store.milvus.store import MilvusStore
    from aio_reid.gallery.store.moving import export_cluster
    from aio_reid.progress import console_progress

    with opened_anywhere(gallery, write=True) as store:
        if isinstance(store, MilvusStore):
            written = export_cluster(store, file, progress=console_progress())
        else:
            written = export_gallery(store, file)
        typer.echo(f"written: {written} ({store.count()} pictures)", err=True)


def import_(gallery: Gallery, file: Source) -> None:
    """Add all pictures of a backup or of another gallery; a gallery that is not there is made first. Either may lie in
    a cluster.
    """
    from aio_reid.gallery.store.backups import import_gallery
    from aio_reid.gallery.store.moving import bring_over
    from aio_reid.progress import console_progress

    if not _is_there(gallery):
        with opened_anywhere(file) as source:
            about = source.about()
        copies = about.keeps_copies and isinstance(gallery, Path)
        make_gallery(gallery, about.weights_hash, about.weights_name, keep_copies=copies)
    if isinstance(gallery, Path) and isinstance(file, Path):
        with opened(gallery, write=True) as store:
            added = import_gallery(store, file)
    else:
        with opened_anywhere(gallery, write=True) as target, opened_anywhere(file) as source:
            added = bring_over(target, source, progress=console_progress())
    typer.echo(f"imported {added.new} pictures, {added.known} were there already")


def _is_there(gallery: Path | MilvusUrl) -> bool:
    from aio_reid.gallery.store.milvus.state import has_gallery
    from aio_reid.gallery.store.schema import gallery_file, is_unmade

    if not isinstance(gallery, Path):
        return has_gallery(gallery)
    file = gallery_file(gallery)
    return file.exists() and not (file.is_file() and is_unmade(file))


def index(
    gallery: LocalGallery, *, drop: Annotated[bool, typer.Option("--drop", help="Delete the index instead.")] = False
) -> None:
    """Make the approximate index of a large gallery, and measure how much it finds of what an exact search finds."""
    from aio_reid.cli.show_gallery import describe_index
    from aio_reid.gallery.store.approximate.file import drop_index
    from aio_reid.gallery.store.approximate.make import make_index
    from aio_reid.progress import console_progress

    with opened(gallery, write=True) as store:
        if drop and store.index_path is not None:
            typer.echo("the index is deleted" if drop_index(store.index_path) else "there was no index")
        else:
            typer.echo(describe_index(make_index(store, progress=console_progress()), store.count()))


def reembed(
    gallery: LocalGallery,
    *,
    weights: Annotated[str, typer.Option(help="A name (aio-nano) or a weights file.")] = "aio-nano",
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Remove pictures whose file is missing or has changed.")
    ] = False,
    device: Device = None,
) -> None:
    """Bring a gallery over to other weights: every picture is read and embedded anew. Stopped, it goes on later."""
    from aio_reid.cli.show_gallery import print_dropped
    from aio_reid.gallery.store.reembed import reembed_gallery
    from aio_reid.progress import console_progress

    with opened(gallery, write=True) as store:
        factory = factory_of(store, weights, device)
        name = lasting_name(weights)
        done = reembed_gallery(store, factory, name, drop_missing=drop_missing, progress=console_progress())
    typer.echo(f"{done.num_pictures} pictures now have vectors of {weights}")
    print_dropped(done.dropped)
