"""Series of which only the course is known, through the backtest's path."""

import numpy as np
import numpy.typing as npt

from services.detection.offline import Recorded, Replayed, replay

Floats = npt.NDArray[np.float64]
MONDAY_S = 1_767_571_200.0
DAY = 288  # rows of five minutes


def every(step_s: float, count: int, start_s: float = MONDAY_S) -> Floats:
    return start_s + step_s * np.arange(count, dtype=np.float64)


def seasonal(days: int, seed: int = 1, noise: float = 2.0) -> Floats:
    """A day between 70 and 130 with normal noise, every five minutes."""
    turn = 2 * np.pi * np.arange(days * DAY) / DAY
    return 100.0 + 30.0 * np.sin(turn) + noise * np.random.default_rng(seed).standard_normal(days * DAY)


def replayed(values: Floats, step_s: float = 300.0, start_s: float = MONDAY_S) -> Replayed:
    return replay(Recorded("x", every(step_s, len(values), start_s), values))


def opened(values: Floats, step_s: float = 300.0, start_s: float = MONDAY_S) -> list[tuple[int, int, int]]:
    """Start, detection and end of each incident, as rows."""
    return [(each.start, each.detected, each.resolved) for each in replayed(values, step_s, start_s).incidents]
