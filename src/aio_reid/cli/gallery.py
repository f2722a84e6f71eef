"""`aio-reid gallery`: galleries that last. Enrolling, searching, and what keeps them whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aio_reid.cli.gallery_options import LARGEST_ID, Gallery, parse_weights, with_filter_options
from aio_reid.cli.gallery_sources import listed_sources, listed_stream, parse_given
from aio_reid.cli.search import (
    CacheFolder,
    Device,
    Pictures,
    ReadCache,
    checked_outputs,
    choose_cache,
    query_parts,
    show_result,
    with_picture_options,
)
from aio_reid.errors import ConfigError

if TYPE_CHECKING:
    from aio_reid.gallery.store.embedded import EmbeddedStore
    from aio_reid.gallery.store.milvus.store import MilvusStore
    from aio_reid.gallery.store.milvus.url import MilvusUrl
    from aio_reid.gallery.store.protocol import Store

STREAM = Path("-")

Weights = Annotated[
    str | None, typer.Option(help="A name (aio-nano) or a weights file; default: those of the gallery.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Keep nothing, use nothing kept.")]


@contextmanager
def opened_anywhere(
    gallery: Path | MilvusUrl, *, write: bool = False, half: bool = False, exact: bool | None = None
) -> Iterator[EmbeddedStore | MilvusStore]:
    """Open a gallery in a folder or in a cluster for the time of a command."""
    from aio_reid.gallery.store.milvus.store import MilvusStore

    if isinstance(gallery, Path):
        with opened(gallery, write=write, half=half, exact=exact) as embedded:
            yield embedded
        return
    if exact is False:
        raise ConfigError(f"a gallery in a cluster is searched exactly; leave out --approximate for {str(gallery)!r}")
    store = MilvusStore(gallery, write=write)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def opened(
    gallery: Path | MilvusUrl, *, write: bool = False, half: bool = False, exact: bool | None = None
) -> Iterator[EmbeddedStore]:
    """Open a gallery in a folder for the time of a command; `exact` None searches as its size suggests.

    Raises:
        ConfigError: it lies in a cluster.
    """
    from aio_reid.gallery.store.approximate.shortcut import Way
    from aio_reid.gallery.store.embedded import EmbeddedStore

    if not isinstance(gallery, Path):
        raise ConfigError(
            f"this command needs a gallery in a folder; bring {str(gallery)!r} there with `aio-reid gallery import "
            "FOLDER URL`, and back in the same way"
        )
    way = Way.AUTO if exact is None else Way.EXACT if exact else Way.APPROXIMATE
    store = EmbeddedStore(gallery, write=write, half=half, way=way)
    try:
        yield store
    finally:
        store.close()


def create(
    gallery: Gallery,
    *,
    weights: Annotated[str, typer.Option(help="A name (aio-nano) or a weights file.")] = "aio-nano",
    copy: Annotated[bool, typer.Option("--copy", help="Keep the picture files' bytes in the gallery, too.")] = False,
) -> None:
    """Make an empty gallery. It refers to picture files where they lie, unless it is to keep copies."""
    from aio_reid.search_embedder import ModelFactory

    make_gallery(gallery, ModelFactory(weights).weights_hash, lasting_name(weights), keep_copies=copy)
    typer.echo(f"made: {gallery}", err=True)


def make_gallery(gallery: Path | MilvusUrl, weights_hash: str, weights_name: str, *, keep_copies: bool) -> None:
    """Make an empty gallery in a folder or in a cluster, which keeps no copies.

    Raises:
        ConfigError: copies are to be kept in a cluster.
        StorageError: there is one already, or it cannot be made.
    """
    from aio_reid.gallery.store.milvus.state import create_gallery
    from aio_reid.gallery.store.schema import create_file

    if isinstance(gallery, Path):
        create_file(gallery, weights_hash, weights_name, keep_copies=keep_copies)
    elif keep_copies:
        raise ConfigError("a gallery in a cluster keeps no copies of files; leave out --copy")
    else:
        create_gallery(gallery, weights_hash, weights_name)


def add(
    gallery: Gallery,
    sources: Annotated[list[Path], typer.Argument(help="Folders, manifests (.csv, .parquet), pictures; - for paths.")],
    *,
    name: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="What file names say, e.g. '{camera}_{time:%Y%m%d%H%M%S}_*'.")
    ] = None,
    modality: Annotated[
        str,
        typer.Option(help="What the pictures are, where nothing else says it; auto: infrared if they have no colour."),
    ] = "rgb",
    weights: Weights = None,
    cache: ReadCache = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Use nothing that searches kept.")] = False,
    device: Device = None,
) -> None:
    """Enrol pictures. What is there already is not embedded again, so that a stopped run goes on where it was."""
    from aio_reid.cli.show_gallery import print_enrolment, print_modalities
    from aio_reid.gallery.embedder import LoadedOnce
    from aio_reid.gallery.store.enrol import Enroller
    from aio_reid.gallery.store.entries import merged_entries
    from aio_reid.gallery.store.names import NamePattern
    from aio_reid.gallery.store.protocol import check_weights
    from aio_reid.progress import console_progress

    kind, pattern = parse_given(modality), None if name is None else NamePattern(name)
    is_stream = STREAM in sources
    if is_stream and len(sources) > 1:
        raise ConfigError("- reads all paths from the input; give it alone")
    with opened_anywhere(gallery, write=True) as store:
        once = LoadedOnce(factory_of(store, weights, device))
        check_weights(store.about(), once.weights_hash)
        listed = [] if is_stream else list(listed_sources(sources, gallery, kind, pattern))
        entries = merged_entries(listed)
        total = None if is_stream else len(entries)
        if not is_stream:
            print_modalities(entries, kind)
        with console_progress().task("Adding", total, "pictures") as task:
            enroller = Enroller(store, once, choose_cache(cache, no_cache), task)
            result = enroller.add(entries)
            for source in listed_stream(kind, pattern) if is_stream else ():
                listed.append(source)
                result = enroller.add(source.entries)
        unreadable = [*(item for source in listed for item in source.unreadable), *result.unreadable]
        print_enrolment(result, unreadable, sum(source.num_sentences for source in listed), store.count())


@with_filter_options
@with_picture_options
def search(
    gallery: Gallery,
    text: Annotated[list[str] | None, typer.Option(metavar="SENTENCE", help="What the person looks like.")] = None,
    *,
    pictures: Pictures,
    where: Any = None,
    weight: Annotated[
        list[str] | None, typer.Option(metavar="MODALITY=NUMBER", help="How much a kind of evidence counts.")
    ] = None,
    like: Annotated[
        list[int] | None,
        typer.Option(min=1, max=LARGEST_ID, metavar="ID", help="More like this picture of the gallery."),
    ] = None,
    unlike: Annotated[
        list[int] | None, typer.Option(min=1, max=LARGEST_ID, metavar="ID", help="Less like this one.")
    ] = None,
    by_track: Annotated[bool, typer.Option("--by-track", help="Show a track as one, by its best picture.")] = False,
    top: Annotated[int, typer.Option(help="How many pictures to show.")] = 20,
    expected: Annotated[
        float, typer.Option(metavar="NUMBER", help="Pictures of the person expected in the gallery, for P(match).")
    ] = 1.0,
    raw: Annotated[bool, typer.Option("--raw", help="Rank by score, though scores are calibrated.")] = False,
    fusion: Annotated[str | None, typer.Option(help="early or late; default: what the weights do better with.")] = None,
    weights: Weights = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with the ranked pictures.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write everything as JSON.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the ranking as CSV.")] = None,
    half: Annotated[bool, typer.Option("--half", help="Half the memory, slower; the ranking is the same.")] = False,
    exact: Annotated[
        bool | None,
        typer.Option("--exact/--approximate", help="Miss nothing, or use the index; default: from a million on."),
    ] = None,
    cache: CacheFolder = None,
    no_cache: NoCache = False,
    device: Device = None,
) -> None:
    """Rank the pictures of a gallery by how much they look like the person described."""
    from aio_reid.gallery.store.search import Question, search_gallery
    from aio_reid.weights import find_weights, preferred_fusion

    outputs = checked_outputs(html, json, csv)
    shares = parse_weights(weight or [])
    if shares and fusion == "early":
        raise ConfigError("--weight adds vectors of modalities, which is late fusion; leave out --fusion early")
    with opened_anywhere(gallery, half=half, exact=exact) as store:
        chosen = fusion or preferred_fusion(find_weights(weights or store.about().weights_name))
        parts = tuple(query_parts(text or [], pictures))
        marked = (tuple(like or ()), tuple(unlike or ()))
        question = Question(parts, chosen, shares, *marked, where, by_track, top, expected, raw)
        result = search_gallery(
            store, question, factory_of(store, weights, device), cache=choose_cache(cache, no_cache)
        )
    show_result(result, outputs)


def factory_of(store: Store, weights: str | None, device: str | None) -> Any:
    """Return the factory of the weights that are named, or else of those that the gallery was made with."""
    from aio_reid.search_embedder import ModelFactory

    return ModelFactory(weights or store.about().weights_name, device)


def lasting_name(weights: str) -> str:
    """Return the name of weights as a gallery remembers it: a packaged name, or a path from the root."""
    from aio_reid.gallery.scan import absolute
    from aio_reid.weights import PACKAGED

    return weights if weights in PACKAGED else str(absolute(Path(weights)))
