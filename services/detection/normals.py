"""What was normal when a measure began to leave it: what it is compared with until it is back.

A baseline goes on learning while something is wrong, slowly, yet enough to call a failure of half an hour normal. A
measure that holds an incident open is therefore back when it is back where it was when it began to leave, and an
anomaly's baseline is the one before its onset. After the time in which anything new becomes the normal, the learnt
baseline has the word again; for failures only after a day, since nobody takes a third of failed requests for normal.
"""

import numpy as np
import numpy.typing as npt

from services.detection.baselines import NEW_NORMAL_S

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

FAILURE_S = 86400.0


class Normals:
    """State of `size` measures, in their transformed unit; NaN where none was kept."""

    _FIELDS = ("expected", "spread", "since")

    def __init__(self, size: int = 0) -> None:
        self.expected = np.full(size, np.nan)
        self.spread = np.full(size, np.nan)
        self.since = np.full(size, np.nan)

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        fresh = Normals(size - self.since.size)
        for name in self._FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    def keep(self, rows: Ints, at_s: Floats, expected: Floats, spread: Floats) -> None:
        """These measures begin to leave what is expected of them now."""
        self.expected[rows], self.spread[rows], self.since[rows] = expected, spread, at_s

    def compared(self, rows: Ints, at_s: Floats, x: Floats, noise: Floats, z: Floats, expected: Floats,
                 which: Bools, is_failure: Bools) -> tuple[Floats, Floats]:
        """z and what is expected, for `which` from what is kept, as long as that counts. noise: least spread;
        is_failure: whether the measure is a share of failures; all of shape (values,), transformed."""
        counts = which & (at_s - self.since[rows] <= np.where(is_failure, FAILURE_S, NEW_NORMAL_S))
        if not counts.any():
            return z, expected
        spread = np.fmax(self.spread[rows], noise)
        return (np.where(counts, (x - self.expected[rows]) / np.maximum(spread, 1e-12), z),
                np.where(counts, self.expected[rows], expected))
