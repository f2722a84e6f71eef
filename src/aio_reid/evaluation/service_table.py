"""The table of `benchmarks/service.py`."""

from __future__ import annotations

from aio_reid.evaluation.table import Result, Table, describe_origin

KIND = "service"


def service_table(result: Result) -> Table:
    """Return throughput and times of the service beside bare batched embedding."""
    rows = (
        ("pictures/s, bare", f"{result['bare_per_s']:.1f}"),
        (f"pictures/s, service, {result['num_clients']} clients", f"{result['service_per_s']:.1f}"),
        ("ratio, median of the rounds", f"{result['ratio']:.2f}"),
        ("pictures computed together, mean", f"{result['mean_batch']:.1f}"),
        ("p50 / p95 / p99, ms", f"{result['p50_ms']:.0f} / {result['p95_ms']:.0f} / {result['p99_ms']:.0f}"),
        ("requests", f"{result['num_requests']:,}"),
        ("lost", str(result["num_lost"])),
        ("answered with another picture's vector", str(result["num_mixed_up"])),
        ("memory at the end, MiB", f"{result['memory_mib'][-1][1]:.0f}"),
        ("growth of memory, KiB per 1000 requests", f"{result['memory_slope_kib_per_1000']:.0f}"),
    )
    note = (
        f"{result['num_pictures']} pictures, batches of at most {result['batch_size']}, threads: {result['threads']}, "
        f"{len(result['rounds'])} rounds of both in turn."
    )
    return Table(("what", "measured"), rows, (note, describe_origin(result)))
