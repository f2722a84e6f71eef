"""Options that several commands of `aio-reid gallery` share: which part of a gallery is meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aio_reid.errors import ConfigError, DataError
from aio_reid.records import Modality, parse_modality

if TYPE_CHECKING:
    from aio_reid.gallery.store.milvus.url import MilvusUrl
    from aio_reid.gallery.store.protocol import Where


def parse_place(text: str) -> Path | MilvusUrl:
    """Return where a gallery lies: a folder, or a URL of a gallery in a cluster.

    Raises:
        ConfigError: a URL that cannot be read.
    """
    from aio_reid.gallery.store.milvus.url import is_milvus_url, parse_milvus_url

    return parse_milvus_url(text) if is_milvus_url(text) else Path(text)


# typer knows no unions, so the type is told by the parser
Gallery = Annotated[
    Any,
    typer.Argument(
        parser=parse_place,
        metavar="GALLERY",
        help="Folder of the gallery, or milvus://HOST:PORT/NAME.",
        show_default=False,
    ),
]
LocalGallery = Annotated[
    Any,
    typer.Argument(parser=parse_place, metavar="GALLERY", help="Folder of the gallery.", show_default=False),
]
Source = Annotated[
    Any, typer.Argument(parser=parse_place, metavar="FILE", help="A backup, or another gallery.", show_default=False)
]
Names = list[str] | None
LARGEST_ID = 2**63 - 1
"""SQLite's largest whole number."""

OPTIONS: dict[str, Any] = {
    "ids": Annotated[
        list[int] | None, typer.Option("--id", min=1, max=LARGEST_ID, metavar="ID", help="Only this picture.")
    ],
    "files": Annotated[list[Path] | None, typer.Option("--file", metavar="FILE", help="Only this picture file.")],
    "cameras": Annotated[Names, typer.Option("--camera", metavar="NAME", help="Only this camera.")],
    "tracks": Annotated[Names, typer.Option("--track", metavar="NAME", help="Only this track.")],
    "modalities": Annotated[Names, typer.Option("--modality", metavar="NAME", help="Only rgb, infrared, ...")],
    "since": Annotated[str | None, typer.Option(metavar="TIME", help="Not before, e.g. 2026-04-12T08:00.")],
    "until": Annotated[str | None, typer.Option(metavar="TIME", help="Before this time.")],
    "conditions": Annotated[
        Names, typer.Option("--where", metavar="COLUMN=VALUE", help="Own column; also != < <= > >=.")
    ],
}


def with_filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that name a part of a gallery; it receives them together as `where`.

    Each may be given several times; values of one option widen the part, different options narrow it.
    """

    @wraps(command)
    def wrapper(**values: Any) -> None:
        command(where=make_where({name: values.pop(name) for name in OPTIONS}), **values)

    drawn = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in OPTIONS.items()
    ]
    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "where"]
    parameters = [*(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *drawn]
    wrapper.__dict__["__signature__"] = inspect.Signature(parameters)
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper


def make_where(values: dict[str, Any]) -> Where:
    """Return the filter that the options describe.

    Raises:
        ConfigError: a time or a condition that cannot be read.
        DataError: an unknown modality.
    """
    from aio_reid.gallery.scan import absolute
    from aio_reid.gallery.store.protocol import Where, parse_condition

    return Where(
        ids=tuple(values["ids"] or ()),
        paths=tuple(absolute(path) for path in values["files"] or ()),
        cameras=tuple(values["cameras"] or ()),
        tracks=tuple(values["tracks"] or ()),
        modalities=tuple(parse_modality(name) for name in values["modalities"] or ()),
        since=_time(values["since"]),
        until=_time(values["until"]),
        columns=tuple(parse_condition(text) for text in values["conditions"] or ()),
    )


def chosen_part(where: Where, everything: bool) -> Where:
    """Refuse to take "no filter" for "everything" where pictures would be lost.

    Raises:
        ConfigError: neither a filter nor --all, or both.
    """
    if where.is_everything != everything:
        what = "neither a filter nor --all is given" if where.is_everything else "a filter and --all contradict"
        raise ConfigError(f"{what}; say which pictures, e.g. --camera north, or --all for the whole gallery")
    return where


def parse_weights(texts: list[str]) -> dict[Modality, float]:
    """Return the weights that are written as MODALITY=NUMBER.

    Raises:
        ConfigError: one cannot be read.
        DataError: an unknown modality.
    """
    weights: dict[Modality, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            weights[parse_modality(name)] = float(value)
        except ValueError:
            raise ConfigError(f"cannot read the weight {text!r}; write e.g. sketch=0.5") from None
    return weights


def _time(text: str | None) -> datetime | None:
    from aio_reid.gallery.store.names import read_time

    try:
        return None if text is None else read_time(text)
    except DataError as error:
        raise ConfigError(str(error)) from None
