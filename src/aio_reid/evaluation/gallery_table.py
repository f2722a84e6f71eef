"""The tables of `benchmarks/gallery_store.py`, `benchmarks/gallery_million.py` and `benchmarks/enrol_speed.py`."""

from __future__ import annotations

from aio_reid.evaluation.table import Result, Table, describe_origin

KIND = "gallery_store"
MILLION = "gallery_million"
ENROL = "enrol_speed"


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


def gallery_million_table(result: Result) -> Table:
    """Return one row for each way of searching a large gallery: time, and recall against the exact one."""
    exact = result["searches"][0]["median_s"]
    rows = [
        (
            search["what"],
            f"{1000 * search['median_s']:.2f}",
            f"{search['median_s'] / exact:.3f}",
            f"{search['recall']:.4f}",
        )
        for search in result["searches"]
    ]
    notes = (
        f"{result['num_rows']:,} made vectors of {result['size']} numbers, {result['pictures_of_a_person']} pictures "
        f"of each person, {result['num_queries']} queries. The index has {result['num_cells']} cells, of which "
        f"{result['num_probes']} are read; when it was made ({result['build_s']:.0f} s) a recall of "
        f"{result['measured_recall']:.4f} was measured. Its file: {result['index_bytes'] / 1e6:.0f} MB.",
        describe_origin(result),
    )
    header = ("search", "milliseconds, median", "times exact search", f"recall of the nearest {result['top']}")
    return Table(header, tuple(rows), notes)


def enrol_speed_table(result: Result) -> Table:
    """Return one row for each way: bare embedding, and enrolling into a gallery without and with copies."""
    rows = [(way["what"], f"{way['median_per_s']:.1f}", f"{way['ratio']:.3f}") for way in result["ways"]]
    notes = (
        f"{result['num_pictures']:,} picture files, weights {result['weights']}, threads: {result['threads']}.",
        describe_origin(result),
    )
    return Table(("way", "pictures/s, median", "of bare embedding"), tuple(rows), notes)
