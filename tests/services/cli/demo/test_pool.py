"""The pool of the simulated shop, against a simulation by events that knows nothing of the recursion."""

import heapq
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cli.demo.pool import Pool


def by_events(size: int, patience: float, arrivals: list[float], queries: list[int],
              lasting: list[float]) -> tuple[list[float], list[bool]]:
    """Starts and time-outs, found by handing out connections event by event."""
    free, busy = size, list[float]()
    starts: list[float] = []
    timed_out: list[bool] = []
    took = iter(lasting)
    for arrival, count in zip(arrivals, queries, strict=True):
        now, gave_up = arrival, False
        for _ in range(count):
            takes = next(took)
            if gave_up:
                starts.append(math.nan)
                continue
            while busy and busy[0] <= now:
                heapq.heappop(busy)
                free += 1
            if not free:
                now = heapq.heappop(busy)
                free += 1
            if now - arrival > patience:
                # It was not taken: whoever comes next finds the connection free at that time.
                heapq.heappush(busy, now)
                free -= 1
                gave_up = True
                starts.append(math.nan)
                continue
            free -= 1
            heapq.heappush(busy, now + takes)
            starts.append(now)
        timed_out.append(gave_up)
    return starts, timed_out


@settings(max_examples=150)
@given(size=st.integers(1, 4), seed=st.integers(0, 2**32 - 1), requests=st.integers(1, 60),
       rate=st.floats(0.5, 20.0), patience=st.floats(0.05, 2.0))
def test_pool_serves_in_order_of_arrival(size: int, seed: int, requests: int, rate: float, patience: float) -> None:
    random = np.random.default_rng(seed)
    # Times in quarters of a millisecond, so that sums are exact and ties real.
    arrivals = np.sort(np.round(random.random(requests) * requests / rate * 4096) / 4096)
    queries = random.integers(1, 6, requests)
    lasting = np.round(random.exponential(0.3, int(queries.sum())) * 4096 + 1) / 4096
    patience = round(patience * 4096) / 4096 + 1 / 8192

    served = Pool(size, patience).serve(arrivals, queries, lasting)

    starts, timed_out = by_events(size, patience, arrivals.tolist(), queries.tolist(), lasting.tolist())
    np.testing.assert_array_equal(served.timed_out, timed_out)
    # A request that comes while another waits queues behind it, and never starts before it came.
    waited = served.starts[~np.isnan(served.starts)] - served.arrivals[~np.isnan(served.starts)]
    assert (waited >= 0).all()
    assert (waited <= patience).all()
    np.testing.assert_array_equal(np.isnan(served.starts), np.isnan(starts))


def test_run_cut_in_two_is_served_the_same() -> None:
    random = np.random.default_rng(1)
    arrivals = np.sort(random.random(500) * 20)
    queries = random.integers(1, 5, 500)
    lasting = random.exponential(0.05, int(queries.sum()))
    cut, at = 200, int(queries[:200].sum())

    whole = Pool(4, 0.5).serve(arrivals, queries, lasting)
    pool = Pool(4, 0.5)
    parts = [pool.serve(arrivals[:cut], queries[:cut], lasting[:at]),
             pool.serve(arrivals[cut:], queries[cut:], lasting[at:])]

    np.testing.assert_allclose(np.concatenate([each.starts for each in parts]), whole.starts)
    assert whole.timed_out.sum() == sum(each.timed_out.sum() for each in parts)


def test_request_that_asks_for_more_than_the_pool_has_waits_for_its_own_queries() -> None:
    served = Pool(10, 0.7).serve(np.array([100.0]), np.array([12]), np.full(12, 0.02))

    assert served.ended_at[0] == pytest.approx(100.04)
    assert np.sum(served.waits > 0) == 2
