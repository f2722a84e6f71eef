"""The table of `benchmarks/gallery_store.py`."""

from __future__ import annotations

from aio_reid.evaluation.table import Result, Table, describe_origin

KIND = "gallery_store"


def gallery_store_table(result: Result) -> Table:
    """Return one row for each way of searching, beside the bare product, then what else a gallery costs."""
    bare = result["searches"][0]["median_s"]
    rows = [
        (search["what"], f"{1000 * search['median_s']:.2f}", f"{search['median_s'] / bare:.2f}")
        for search in result["searches"]
    ]
    times, num_rows = result["times"], result["num_rows"]
    notes = (
        f"{num_rows:,} vectors of {result['size']} numbers. Added durably: {num_rows / times['add_s']:,.0f} rows/s. "
        f"Open, up to the first answer: {times['open_s']:.2f} s, with float16 in memory {times['open_half_s']:.2f} s. "
        f"Erasing 5% of the rows and rewriting the file: {times['erase_s']:.2f} s. "
        f"The file: {result['size_bytes'] / 1e6:.0f} MB.",
        describe_origin(result),
    )
    return Table(("search", "milliseconds, median", "times the bare product"), tuple(rows), notes)
