"""The way back from a time that was better than usual, which is no failure.

Latency falls while requests fail fast, traffic doubles for a campaign: baselines follow, and what was normal an hour
ago would look like a failure once it is back. So the level from which a golden signal leapt in its good direction is
kept for a day, as long as the level stays better, and a value is no further out than it is from there. Only a level
that had been undisturbed for half a day is kept: the end of a long failure is a leap for the better as well.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Spreads by which a value is better than expected, for its level to have leapt.
LEAP = 4.0
UNDISTURBED_S, KEPT_S = 12 * 3600.0, 24 * 3600.0
# After so long the level must have followed, or the leap was none; it has come back within so many spreads.
FOLLOWED_S, NEAR = 600.0, 2.0


class Returns:
    """State of `size` measures."""

    _FIELDS = ("level", "left_at", "disturbed_at")

    def __init__(self, size: int = 0) -> None:
        self.level = np.full(size, np.nan)  # in the transformed unit; NaN where none is kept
        self.left_at = np.full(size, np.nan)
        # First value, or last one out of baseline.
        self.disturbed_at = np.full(size, np.nan)

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        fresh = Returns(size - self.level.size)
        for name in self._FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    def excused(self, rows: Ints, at_s: Floats, x: Floats, expected: Floats, spread: Floats, z: Floats,
                direction: Floats, out: Bools) -> tuple[Floats, Floats]:
        """z and what was expected, where that is nearer from the level that was left.

        x, expected, spread: transformed. z: signed, NaN while warming up. direction: +1 where a rise is bad, -1 a
        fall, 0 where nothing is. out: whether the measure is out of its baseline. All of shape (values,).
        """
        self.disturbed_at[rows] = np.where(out | np.isnan(self.disturbed_at[rows]), at_s, self.disturbed_at[rows])
        better = -np.nan_to_num(z) * direction
        level, left_at = self.level[rows], self.left_at[rows]
        is_over = at_s - left_at > KEPT_S
        is_over |= (at_s - left_at > FOLLOWED_S) & ((level - expected) * direction < NEAR * spread)
        level = np.where(is_over, np.nan, level)
        leaps = np.isnan(level) & (better >= LEAP) & (at_s - self.disturbed_at[rows] >= UNDISTURBED_S)
        self.level[rows] = np.where(leaps, expected, level)
        self.left_at[rows] = np.where(leaps, at_s, left_at)
        with np.errstate(invalid="ignore"):
            from_there = np.maximum((x - level) * direction / np.maximum(spread, 1e-12), 0.0)
            is_nearer = (better < 0) & (from_there < -better)
        return np.where(is_nearer, from_there * direction, z), np.where(is_nearer, level, expected)
