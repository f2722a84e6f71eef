"""Runs a command beside a Milvus server of its own: started in a temporary folder, stopped and removed afterwards.

The command finds the server's address in the environment as AIO_REID_TEST_MILVUS, as HOST:PORT.

    python scripts/milvus_server.py COMMAND [ARGUMENT ...]

The server is the one that the package `milvus` (2.3.5) carries, alone on this machine; its start takes up to half a
minute. The exit code is the command's, or 2 where there is no such package.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory

ADDRESS = "AIO_REID_TEST_MILVUS"


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    try:
        from milvus import MilvusServer, MilvusServerConfig
    except ImportError:
        print("error: no Milvus server is installed; pip install milvus==2.3.5 pymilvus", file=sys.stderr)
        return 2
    if not arguments:
        print("error: no command is given; write it behind the script's name", file=sys.stderr)
        return 2
    with TemporaryDirectory(prefix="milvus-") as folder:
        server = MilvusServer(MilvusServerConfig(data_dir=folder))
        try:
            server.start()
            address = f"{server.server_address}:{server.listen_port}"
            print(f"Milvus answers at {address}", flush=True)
            return subprocess.run(list(arguments), env={**os.environ, ADDRESS: address}, check=False).returncode
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
