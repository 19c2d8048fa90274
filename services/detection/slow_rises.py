"""Error shares that creep up: too slow for a baseline that follows what the last minutes did.

A third opinion beside level and season: the share of failed requests over the last minutes against the usual one,
which is that of days. Its spread is what so few requests leave, and how far the same mean strays from the usual one of
its own accord. Minutes share most of what they look at, so that this distance counts half. A share that stays where it
is for as long as any baseline takes to be the new normal is the usual one from then on.
"""

import numpy as np
import numpy.typing as npt

from services.detection.baselines import NEW_NORMAL_S

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RECENT_S, USUAL_S = 600.0, 86400.0
# Watched for so long before it has an opinion.
SETTLED_S = 3600.0
# Least spread, in the unit of the transformed share: a share that goes from 0.1 to 0.2 % moved by one and a half.
FLOOR = 0.01
# Consecutive means overlap: what they say together is about what half as far would say.
OVERLAP = 0.5
# From here on the mean is held to be away, and teaches nothing of what is usual.
AWAY = 3.0
# Longer without a value is no time in which it was watched.
_GAP_S = 3600.0
# Mean absolute deviation to standard deviation.
_MAD = 1.2533


class SlowRises:
    """State of `size` measures, of which only error shares use it."""

    _FIELDS = ("last_at", "watched", "failed", "total", "usual", "strays", "away_since")

    def __init__(self, size: int = 0) -> None:
        self.last_at = np.full(size, np.nan)
        self.watched = np.zeros(size)
        # Of the last minutes, fading.
        self.failed = np.zeros(size)
        self.total = np.zeros(size)
        # In the transformed unit: the share in the long run, and how far the recent one is from it on average.
        self.usual = np.zeros(size)
        self.strays = np.zeros(size)
        self.away_since = np.full(size, np.nan)

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        fresh = SlowRises(size - self.usual.size)
        for name in self._FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    def observe(self, rows: Ints, at_s: Floats, shares: Floats, counts: Floats) -> tuple[Floats, Floats]:
        """Takes one value of each of `rows` in; returns how far each is away, in halved spreads and not below 0, and
        what is usual, transformed. shares: failed of `counts` requests; all of shape (values,)."""
        passed = np.clip(np.nan_to_num(at_s - self.last_at[rows]), 0.0, _GAP_S)
        keep = np.exp(-passed / RECENT_S)
        failed = self.failed[rows] * keep + shares * counts
        total = self.total[rows] * keep + counts
        recent = _transformed(failed / np.maximum(total, 1e-9))
        usual, strays = self.usual[rows], self.strays[rows]
        spread = np.sqrt(FLOOR ** 2 + 0.25 / np.maximum(total, 1.0) + (_MAD * strays) ** 2)
        is_settled = self.watched[rows] >= SETTLED_S
        z = np.where(is_settled, (recent - usual) / spread, 0.0)
        self.last_at[rows], self.failed[rows], self.total[rows] = at_s, failed, total
        self._learn(rows, at_s, recent, z, passed)
        return np.maximum(z, 0.0) * OVERLAP, usual

    def _learn(self, rows: Ints, at_s: Floats, recent: Floats, z: Floats, passed: Floats) -> None:
        usual, watched = self.usual[rows], self.watched[rows] + passed
        is_away = z > AWAY
        since = np.where(is_away, np.fmin(self.away_since[rows], at_s), np.nan)
        is_new_normal = at_s - since > NEW_NORMAL_S
        # A mean over what was watched so far, until that is as long as what is remembered.
        gain = np.where(is_away, 0.0, passed / np.clip(watched, passed + 1e-9, USUAL_S))
        gain = np.where(self.watched[rows] == 0, 1.0, gain)
        self.strays[rows] += gain * (np.abs(recent - usual) - self.strays[rows]) * (self.watched[rows] > 0)
        self.usual[rows] = np.where(is_new_normal, recent, usual + gain * (recent - usual))
        self.away_since[rows] = np.where(is_new_normal, np.nan, since)
        self.watched[rows] = watched


def _transformed(shares: Floats) -> Floats:
    """As `effects` transforms shares: their noise then follows from the count alone."""
    found: Floats = np.arcsin(np.sqrt(np.clip(shares, 0.0, 1.0)))
    return found
