"""A pool of connections with a queue in front of it, first come, first served, and a limit to one's patience.

Starts are found by the recursion of Kiefer and Wolfowitz (1955) for a queue with several servers: a query begins when
it has arrived and the connection that is free first is free. A request whose query would begin after the wait timeout
gives up at that moment; what it has begun by then goes on and holds its connections all the same.
"""

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Served:
    """What became of a run of requests and their queries.

    ended_at: shape (requests,), Unix seconds: end of the last query, or the moment of giving up. timed_out: same shape.
    starts: shape (queries,), NaN for queries that never got a connection. lasted: same shape, seconds.
    arrivals: same shape, when the query asked for its connection.
    """

    ended_at: Floats
    timed_out: Flags
    starts: Floats
    lasted: Floats
    arrivals: Floats

    @property
    def waits(self) -> Floats:
        """Seconds that each query which got a connection waited for it."""
        began = ~np.isnan(self.starts)
        return self.starts[began] - self.arrivals[began]


class Pool:
    """One instance's connections to its store."""

    def __init__(self, size: int, wait_timeout_s: float) -> None:
        self.size = size
        self.wait_timeout_s = wait_timeout_s
        self._free_at = [0.0] * size

    def serve(self, arrivals: Floats, queries: Ints, lasting: Floats) -> Served:
        """Serves requests in order of arrival.

        arrivals: shape (requests,), ascending. queries: same shape, how many each sends at once. lasting: shape
        (sum of queries,), how long each takes on its connection.
        """
        if self._nobody_waits(arrivals, queries, lasting):
            starts = np.repeat(arrivals, queries)
            ends = starts + lasting
            last = np.maximum.reduceat(ends, np.cumsum(queries) - queries) if len(arrivals) else arrivals
            self._free_at = np.sort(np.concatenate([self._free_at, ends]))[-self.size:].tolist()
            return Served(last, np.zeros(len(arrivals), np.bool_), starts, lasting, starts)
        return self._queue(arrivals, queries, lasting)

    def _nobody_waits(self, arrivals: Floats, queries: Ints, lasting: Floats) -> bool:
        """Whether there is a free connection for each query when it comes: the common case, told without a loop."""
        starts = np.repeat(arrivals, queries)
        ends = np.sort(np.concatenate([self._free_at, starts + lasting]))
        begun = np.arange(1, len(starts) + 1) + self.size
        return bool(np.all(begun - np.searchsorted(ends, starts, side="right") <= self.size))

    def _queue(self, arrivals: Floats, queries: Ints, lasting: Floats) -> Served:
        free_at, patience, replace = self._free_at, self.wait_timeout_s, heapq.heapreplace
        starts: list[float] = []
        times = lasting.tolist()
        sent = 0
        for arrival, count in zip(arrivals.tolist(), queries.tolist(), strict=True):
            latest = arrival + patience
            for index in range(sent, sent + count):
                start = free_at[0]
                if start < arrival:
                    start = arrival
                elif start > latest:
                    # In a queue in order of arrival those behind it would wait longer still.
                    starts.extend([np.nan] * (sent + count - index))
                    break
                replace(free_at, start + times[index])
                starts.append(start)
            sent += count
        began = np.array(starts, np.float64)
        firsts = np.cumsum(queries) - queries
        timed_out = np.isnan(began[firsts + queries - 1])
        ended = np.where(timed_out, arrivals + patience, np.fmax.reduceat(began + lasting, firsts))
        return Served(ended, timed_out, began, lasting, np.repeat(arrivals, queries))
