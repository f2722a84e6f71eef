"""`python -m aio_reid` is `aio-reid`."""

from __future__ import annotations

from aio_reid.cli.entry import main

main()
