"""docs/service.md: its commands exist, its requests have fields that are read, and its numbers are the limits."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer.main

from aio_reid.cli.app import app
from aio_reid.server.examples import embed_form, enrol_form, search_form
from aio_reid.server.forms import EMBED, ENROL, PICTURES, SEARCH
from aio_reid.server.keys import SCOPES
from aio_reid.server.limits import MIB, Limits

PAGE = (Path(__file__).parents[1] / "docs" / "service.md").read_text(encoding="utf-8")
FIELDS = {"/v1/search": (*SEARCH, *PICTURES), "/v1/embed": (*EMBED, *PICTURES), "/v1/items": (*ENROL, "picture")}


def lines(program: str) -> list[list[str]]:
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    shown = [shlex.split(line[2:]) for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [words[1:] for words in shown if words[0] == program]


def test_its_commands_exist() -> None:
    assert len(lines("aio-reid")) > 8
    for words in lines("aio-reid"):
        command: Any = typer.main.get_command(app)
        while words and hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        command.make_context("aio-reid", words)


def test_its_requests_have_fields_that_are_known() -> None:
    found = 0
    for words in lines("curl"):
        address = next(word for word in words if word.startswith("http"))
        path = "/" + address.split("/", 3)[3].split("?")[0]
        for option, value in pairwise(words):
            if option == "-F":
                assert value.split("=")[0] in FIELDS[path], value
                found += 1
    assert found > 12


def test_its_numbers_are_the_limits() -> None:
    limits = Limits()
    assert f"did not arrive in {limits.upload_s:g} s" in PAGE
    assert (
        f"more than {limits.body_bytes // MIB} MiB, {limits.parts} parts, or {limits.picture_bytes // MIB} MiB" in PAGE
    )
    assert f"at most {limits.pixels // 10**6} million pixels" in PAGE
    assert limits.batch_wait_s == 0.004 and "four\nmilliseconds" in PAGE
    table = PAGE[PAGE.index("| scope of the key |") :]
    assert set(re.findall(r"\| (\w+) \|$", table.split("\n\n")[0], re.MULTILINE)) == {*SCOPES, "none"}


def test_the_description_has_every_field_that_is_read() -> None:
    limits = Limits()
    for form, known in ((search_form(limits), (*SEARCH, *PICTURES)), (embed_form(limits), (*EMBED, *PICTURES))):
        schema = form["requestBody"]["content"]["multipart/form-data"]["schema"]
        assert set(schema["properties"]) == set(known)
    schema = enrol_form()["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(schema["properties"]) == {*ENROL, "picture"}
