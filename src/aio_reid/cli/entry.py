"""Where `aio-reid` starts: runs the command and turns every way to fail into one line and an exit code.

0    done
1    done, with an answer of "no" (a failing check of `doctor`), or the reader of a pipe went away
2    the input's fault: a wrong option, any AioError, a file that cannot be read or written, no memory left
70   the program's fault: a report is written into the folder for temporary files
130  stopped by the user
"""

from __future__ import annotations

import errno
import io
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence

from aio_reid import __version__
from aio_reid.errors import AioError

DONE, REFUSED, BUG, INTERRUPTED = 0, 2, 70, 130
TRAINING = ("train", "pretrain")
HOW_TO_REPORT = "please attach it to a new issue of the project (read it first: it names files and words of your query)"

REMEDIES: dict[int, str] = {
    errno.ENOSPC: "free some space, or write elsewhere, and run the same command again",
    errno.EDQUOT: "free some space, or write elsewhere, and run the same command again",
    errno.EACCES: "check the permissions, or write elsewhere",
    errno.EPERM: "check the permissions, or write elsewhere",
    errno.EROFS: "write elsewhere",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "name a file, not a folder",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.EMFILE: "allow more open files (ulimit -n)",
}


def main() -> None:
    """Run the command that the process was started with, and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")  # an encoding without our dashes costs the dashes, not the answer
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; whatever goes wrong is one line on stderr, never a traceback."""
    try:
        return _run(list(arguments) or ["--help"])
    except KeyboardInterrupt:
        return _interrupted()
    except AioError as error:
        return _refuse(str(error))
    except BrokenPipeError:
        return _reader_gone()
    except OSError as error:
        return _refuse(describe_os_error(error))
    except MemoryError:
        return _refuse(f"not enough memory; {_remedy(arguments)}")
    except Exception as error:  # noqa: BLE001 - the last resort of the program
        return _explain(error, arguments)


def _run(arguments: list[str]) -> int:
    from aio_reid.cli.app import app

    code = app(arguments, prog_name="aio-reid", standalone_mode=False)
    sys.stdout.flush()  # here, where a reader that went away is still ours to handle
    # typer reports an interrupt as this code instead of letting it through
    return _interrupted() if code == INTERRUPTED else int(code or DONE)


def _interrupted() -> int:
    print("\nstopped; what was finished is kept", file=sys.stderr)
    return INTERRUPTED


def _refuse(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return REFUSED


def _reader_gone() -> int:
    # Python flushes stdout once more at exit; into nowhere, so that it does not complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def describe_os_error(error: OSError) -> str:
    """Return one line: the file, what the system says of it, and the remedy where there is one."""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    where = f"{os.fsdecode(error.filename)!r}: " if isinstance(error.filename, str | bytes) else ""
    remedy = REMEDIES.get(error.errno or 0)
    return f"{where}{reason}" + (f"; {remedy}" if remedy else "")


def _explain(error: Exception, arguments: Sequence[str]) -> int:
    # typer's errors of usage have no public base class in all its versions; this method is what they share.
    if hasattr(error, "format_message"):
        known = getattr(getattr(error, "ctx", None), "command_path", "aio-reid")  # as far as the words are commands
        return _refuse(f"{error.format_message().rstrip('.')}; see: {known} --help")
    # torch may not be imported here, so its errors are known by their names and words.
    if type(error).__name__ == "OutOfMemoryError":
        return _refuse(f"the GPU has not enough memory; {_remedy(arguments, on_gpu=True)}")
    if isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error):
        return _refuse(f"not enough memory; {_remedy(arguments)}")
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    print(f"error: a bug in aio-reid, not a mistake of yours ({reason}); {_write_report(arguments)}", file=sys.stderr)
    return BUG


def _remedy(arguments: Sequence[str], *, on_gpu: bool = False) -> str:
    """Return what helps a command that has no memory left."""
    if arguments and arguments[0] in TRAINING:
        return "read each batch in N parts: --set optim.micro_batches=N, see also --help, or close other programs"
    if on_gpu:
        return "use --device cpu, or close other programs that use it"
    return "close other programs, or work on fewer or smaller pictures at a time"


def _write_report(arguments: Sequence[str]) -> str:
    lines = [
        f"aio-reid {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"arguments: {list(arguments)!r}",
        traceback.format_exc(),
    ]
    try:
        with tempfile.NamedTemporaryFile("w", prefix="aio-reid-report-", suffix=".txt", delete=False) as file:
            file.write("\n".join(lines))
    except OSError:
        return "its report could not be written either; please open an issue of the project with this line"
    return f"report: {file.name}; {HOW_TO_REPORT}"
