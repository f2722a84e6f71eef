from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from aio_reid.server.batching import Batcher
from aio_reid.server.limits import Limits
from aio_reid.server.model import Input
from aio_reid.server.problems import Refusal


def nothing(num_inputs: int, seconds: float) -> None:
    """Observe nothing."""


def far() -> float:
    return time.monotonic() + 60


def make(embed: Callable[[Sequence[Any]], Any], *, num_lanes: int = 1, **limits: Any) -> Batcher:
    return Batcher(embed, Limits(**limits), nothing, num_lanes=num_lanes)


def as_rows(values: Sequence[Any]) -> np.ndarray:
    return np.array(values, dtype=np.float32)[:, None]


@pytest.mark.parametrize("num_lanes", [1, 3])
def test_each_gets_its_own_row_and_kinds_are_not_mixed(num_lanes: int) -> None:
    seen: list[set[str]] = []

    def embed(values: Sequence[tuple[str, int]]) -> np.ndarray:
        seen.append({kind for kind, _ in values})
        return as_rows([number for _, number in values])

    batcher = make(embed, num_lanes=num_lanes, batch_size=8, batch_wait_s=0.002)

    def ask(number: int) -> list[float]:
        inputs = [Input(kind, (kind, number + place)) for place, kind in enumerate("aba")]
        return batcher.embed(inputs, far())[:, 0].tolist()

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(0, 3000, 10)))
    batcher.close()
    assert answers == [[n, n + 1, n + 2] for n in range(0, 3000, 10)]
    assert all(len(kinds) == 1 for kinds in seen)


def test_what_comes_together_is_computed_together_but_never_more_than_a_batch() -> None:
    sizes: list[int] = []

    def embed(values: Sequence[Any]) -> np.ndarray:
        sizes.append(len(values))
        return as_rows(values)

    batcher = make(embed, batch_size=4, batch_wait_s=0.2)
    started = time.monotonic()
    batcher.embed([Input("a", n) for n in range(8)], far())
    assert sizes == [4, 4] and time.monotonic() - started < 0.2  # full batches do not wait
    batcher.embed([Input("a", 1)], far())
    assert sizes[2:] == [1] and time.monotonic() - started >= 0.2
    batcher.close()


def test_a_full_queue_refuses_and_loses_nothing_that_it_took() -> None:
    gate = threading.Event()

    def embed(values: Sequence[Any]) -> np.ndarray:
        gate.wait()
        return as_rows(values)

    batcher = make(embed, batch_size=1, queued=2, batch_wait_s=0.0)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(batcher.embed, [Input("a", 1)], far())
        while batcher.num_waiting:
            time.sleep(0.001)
        others = pool.submit(batcher.embed, [Input("a", 2), Input("a", 3)], far())
        while batcher.num_waiting < 2:
            time.sleep(0.001)
        with pytest.raises(Refusal) as caught:
            batcher.embed([Input("a", 4)], far())
        assert caught.value.status == 429 and caught.value.headers["Retry-After"] == "1"
        gate.set()
        assert first.result().tolist() == [[1.0]] and others.result().tolist() == [[2.0], [3.0]]
    batcher.close()
    with pytest.raises(Refusal, match="ends"):
        batcher.embed([Input("a", 5)], far())


def test_what_is_too_late_is_not_computed() -> None:
    gate = threading.Event()
    computed: list[Any] = []

    def embed(values: Sequence[Any]) -> np.ndarray:
        gate.wait()
        computed.extend(values)
        return as_rows(values)

    batcher = make(embed, batch_size=1, batch_wait_s=0.0)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(batcher.embed, [Input("a", 1)], far())
        while batcher.num_waiting or first.running() is False:
            time.sleep(0.001)
        with pytest.raises(Refusal) as caught:
            batcher.embed([Input("a", 2)], time.monotonic() + 0.05)
        assert caught.value.status == 504
        gate.set()
        first.result()
    batcher.close()
    assert 2 not in computed


def test_an_input_that_cannot_be_computed_fails_alone() -> None:
    def embed(values: Sequence[Any]) -> np.ndarray:
        if 13 in values:
            raise ValueError("thirteen")
        return as_rows(values)

    batcher = make(embed, batch_size=4, batch_wait_s=0.05)
    with ThreadPoolExecutor(4) as pool:
        asked = {n: pool.submit(batcher.embed, [Input("a", n)], far()) for n in (11, 12, 13, 14)}
    with pytest.raises(ValueError, match="thirteen"):
        asked.pop(13).result()
    assert {n: answer.result().tolist() for n, answer in asked.items()} == {n: [[float(n)]] for n in (11, 12, 14)}
    batcher.close()


def test_lanes_compute_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=30)

    def embed(values: Sequence[Any]) -> np.ndarray:
        both.wait()  # breaks, and the test with it, if one batch is computed after the other
        return as_rows(values)

    batcher = make(embed, num_lanes=2, batch_size=1, batch_wait_s=0.0)
    assert batcher.embed([Input("a", 1), Input("b", 2)], far())[:, 0].tolist() == [1.0, 2.0]
    assert batcher.embed([Input("a", 3), Input("a", 4)], far())[:, 0].tolist() == [3.0, 4.0]
    batcher.close()


def test_a_lane_leaves_the_others_their_share() -> None:
    sizes: list[int] = []
    begun, gate = threading.Semaphore(0), threading.Event()

    def embed(values: Sequence[Any]) -> np.ndarray:
        if values[0] < 0:  # keeps its lane until all others wait
            begun.release()
            assert gate.wait(30)
        else:
            sizes.append(len(values))
            time.sleep(0.05)
        return as_rows(values)

    batcher = make(embed, num_lanes=2, batch_size=32, batch_wait_s=0.0)
    with ThreadPoolExecutor(12) as pool:
        held = [pool.submit(batcher.embed, [Input(kind, -1)], far()) for kind in "ab"]
        assert begun.acquire(timeout=30) and begun.acquire(timeout=30)
        asked = [pool.submit(batcher.embed, [Input("a", n)], far()) for n in range(10)]
        deadline = far()
        while batcher.num_waiting < 10:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        gate.set()
        assert [answer.result()[0, 0] for answer in asked] == list(range(10))
        assert all(answer.result()[0, 0] == -1 for answer in held)
    batcher.close()
    assert max(sizes) <= 4 and sizes[0] + sizes[1] >= 7, sizes  # thirds of the 10, and of what is still held


def test_too_few_rows_fail_what_asked_and_the_thread_goes_on() -> None:
    batcher = make(lambda values: as_rows(values[1:]), batch_size=4, batch_wait_s=0.0)
    for _ in range(2):
        with pytest.raises(ValueError, match="zip"):
            batcher.embed([Input("a", 1)], far())
    batcher.close()
