"""`aio-reid search` and the cache of embeddings that it keeps."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aio_reid.errors import ConfigError
from aio_reid.records import VISUAL_MODALITIES, Modality, parse_visual_modality

if TYPE_CHECKING:
    from aio_reid.gallery.cache import EmbeddingCache
    from aio_reid.gallery.embedder import QueryPart
    from aio_reid.gallery.result import SearchResult

STEPS = {"read": ("Reading", "files"), "embed": ("Embedding", "pictures")}

CacheFolder = Annotated[
    Path | None,
    typer.Option("--cache", metavar="DIR", help="Where embeddings are kept; default: the user's cache folder."),
]
ReadCache = Annotated[
    Path | None,
    typer.Option("--cache", metavar="DIR", help="Where searches kept embeddings to use; default: the user's cache."),
]
ErasedCache = Annotated[
    Path | None,
    typer.Option("--cache", metavar="DIR", help="The cache of searches to erase from too; default: the user's cache."),
]

Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...; default: a GPU where there is one.")]

Pictures = dict[Modality, list[Path]]
Outputs = list[tuple[Path, Callable[..., None]]]
"""Files of a search, and what writes each."""


def with_picture_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one repeatable option for each visual modality; it receives them together as `pictures`.

    The options are made from `Modality`, so that a further modality is asked for by its name without a line here.
    """

    @wraps(command)
    def wrapper(**values: Any) -> None:
        command(pictures={m: values.pop(m.value) or [] for m in VISUAL_MODALITIES}, **values)

    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "pictures"]
    drawn = [
        inspect.Parameter(
            m.value,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                list[Path] | None, typer.Option(metavar="FILE", help=f"A picture of the person: {m.label}.")
            ],
        )
        for m in VISUAL_MODALITIES
    ]
    parameters = [*own[:2], *drawn, *own[2:]]  # after the folder and the sentence
    wrapper.__dict__["__signature__"] = inspect.Signature(parameters)
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper


@with_picture_options
def search(
    folder: Annotated[Path, typer.Argument(help="Folder of pictures; its subfolders are searched as well.")],
    text: Annotated[list[str] | None, typer.Option(metavar="SENTENCE", help="What the person looks like.")] = None,
    *,
    pictures: Pictures,
    top: Annotated[int, typer.Option(help="How many pictures to show.")] = 20,
    fusion: Annotated[
        str | None,
        typer.Option(help="How kinds of evidence are joined: early or late; default: what the weights do better with."),
    ] = None,
    weights: Annotated[str, typer.Option(help="A name (aio-nano) or a weights file.")] = "aio-nano",
    gallery_modality: Annotated[str, typer.Option(help="What the folder's pictures are: rgb, infrared, ...")] = "rgb",
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with the ranked pictures.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write everything as JSON.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the ranking as CSV.")] = None,
    cache: CacheFolder = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep nothing, use nothing kept.")] = False,
    device: Device = None,
) -> None:
    """Rank the pictures of a folder by how much they look like the person described.

    Give any combination of evidence, each option as often as needed. No labels and no layout of the folder are needed.
    """
    from aio_reid.gallery.search import search_folder
    from aio_reid.progress import console_progress, count_steps
    from aio_reid.search_embedder import ModelFactory
    from aio_reid.weights import find_weights, preferred_fusion

    outputs = checked_outputs(html, json, csv)
    with count_steps(console_progress(), STEPS) as report:
        result = search_folder(
            folder,
            query_parts(text or [], pictures),
            ModelFactory(weights, device),
            gallery_modality=parse_visual_modality(gallery_modality),
            fusion=fusion or preferred_fusion(find_weights(weights)),
            top=top,
            cache=choose_cache(cache, no_cache),
            progress=report,
        )
    show_result(result, outputs)


def checked_outputs(html: Path | None, json: Path | None, csv: Path | None) -> Outputs:
    """Return the files that were asked for, and what writes each.

    Raises:
        StorageError: one of them could not be written.
    """
    from aio_reid.gallery.outputs import check_writable, write_csv, write_html, write_json

    pairs = [(html, write_html), (json, write_json), (csv, write_csv)]
    outputs = [(path, write) for path, write in pairs if path is not None]
    for path, _ in outputs:
        check_writable(path)
    return outputs


def show_result(result: SearchResult, outputs: Outputs) -> None:
    """Write the files of a search, and print its ranking.

    Raises:
        StorageError: a file cannot be written.
    """
    from aio_reid.cli.show import print_search, remark, write_then_show

    def write_all() -> None:
        for path, write in outputs:
            write(result, path)

    write_then_show(write_all, lambda: print_search(result))
    for path, _ in outputs:
        remark(f"written: {path}")


def query_parts(sentences: list[str], pictures: dict[Modality, list[Path]]) -> list[QueryPart]:
    """Return the parts of a query in the order in which modalities are fused.

    Raises:
        DataError: when a part is empty or does not fit its modality.
    """
    from aio_reid.gallery.embedder import QueryPart

    values: dict[Modality, list[str | Path]] = {modality: list(paths) for modality, paths in pictures.items()}
    values[Modality.TEXT] = list(sentences)
    return [QueryPart(modality, value) for modality in Modality for value in values.get(modality, [])]


def choose_cache(folder: Path | None, off: bool) -> EmbeddingCache:
    """Return the cache that the options ask for.

    Raises:
        ConfigError: when the options contradict each other.
        StorageError: when the cache is damaged or foreign.
    """
    from aio_reid.gallery.cache import open_cache

    if off and folder is not None:
        raise ConfigError("--cache and --no-cache contradict each other; give one of them")
    return open_cache(folder, enabled=not off)


def cache_stats(cache: CacheFolder = None) -> None:
    """Say what the cache holds, and where it lies."""
    from aio_reid.cli.show import print_cache_stats, remark

    kept = _kept(cache)
    print_cache_stats(kept.stats())
    for warning in kept.warnings:
        remark(warning)


def cache_clear(
    folder: Annotated[
        Path | None, typer.Argument(help="Only what belongs to this folder's pictures; default: all.")
    ] = None,
    cache: CacheFolder = None,
) -> None:
    """Erase kept embeddings: all of them, or those of one folder of pictures. Pictures themselves are never touched."""
    typer.echo(f"erased {_kept(cache).erase(folder)} embeddings and all kept queries")


def _kept(folder: Path | None) -> EmbeddingCache:
    """Open a cache, but make none; a remark says where there is none.

    Raises:
        StorageError: when the cache is damaged or foreign.
    """
    from aio_reid.cli.show import remark
    from aio_reid.gallery.cache import default_cache_folder, open_cache

    cache = open_cache(folder, make=False)
    if cache.folder is None and not cache.warnings:
        remark(f"no cache in {str(folder or default_cache_folder())!r}; the first search with it makes one")
    return cache
