"""What a process holds in memory: not by `ru_maxrss`, which a child takes over from the process that it came from."""

from __future__ import annotations

from pathlib import Path

HELD, PEAK = "VmRSS", "VmHWM"


def memory_mib(field: str) -> float:
    """Return what this process holds now (HELD), or held at most (PEAK), in MiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) / 1024
    raise SystemExit(f"error: the system does not tell {field}; this benchmark needs Linux")
