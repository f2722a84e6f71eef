from __future__ import annotations

from aio_reid.evaluation.report import make_table
from aio_reid.evaluation.table import Result
from aio_reid.provenance import collect_provenance


def test_the_table_of_the_service_by_hand() -> None:
    result: Result = {
        "kind": "service",
        "bare_per_s": 100.0,
        "service_per_s": 90.0,
        "ratio": 0.9,
        "num_clients": 32,
        "mean_batch": 14.25,
        "p50_ms": 320.4,
        "p95_ms": 400.0,
        "p99_ms": 512.6,
        "num_requests": 10_000,
        "num_lost": 0,
        "num_mixed_up": 1,
        "memory_mib": [[5000, 800.0], [10_000, 801.2]],
        "memory_slope_kib_per_1000": 12.4,
        "num_pictures": 512,
        "batch_size": 32,
        "threads": 2,
        "rounds": [{}, {}],
        "command": "python benchmarks/service.py",
        "provenance": collect_provenance(),
    }
    rows = dict(make_table(result).rows)
    assert rows["pictures/s, service, 32 clients"] == "90.0" and rows["ratio, median of the rounds"] == "0.90"
    assert rows["p50 / p95 / p99, ms"] == "320 / 400 / 513" and rows["requests"] == "10,000"
    assert rows["answered with another picture's vector"] == "1" and rows["memory at the end, MiB"] == "801"
