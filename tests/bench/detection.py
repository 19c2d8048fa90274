"""Observations per CPU-second at 100,000 series, and bytes of state a series: `make bench-detection`.

Beside a plain Python loop that keeps a rolling z-score for each series (what one writes first) and river's half-space
trees, in the same run, since the machine is never alone. CPU time of this process, best of three. river is needed for
nothing else and comes with the tools of development: without it its line says so.
"""

import importlib
import importlib.util
import sys
import time
from collections import deque

import numpy as np

from services.detection.anomalies import Anomalies
from services.detection.baselines import Baselines

SERIES, STEPS, LOOP_SERIES, TREE_SERIES = 100_000, 30, 2_000, 20


def main() -> int:
    chance = np.random.default_rng(1)
    values = 100.0 + 5.0 * chance.standard_normal((STEPS, SERIES))
    rates = [vectorised(values) for _ in range(3)]
    loops = [loop(values[:, :LOOP_SERIES]) for _ in range(3)]
    state = Baselines(1).bytes_per_measure + Anomalies(1).bytes_per_measure
    sys.stdout.write(f"{max(rates):,.0f} observations per CPU-second over {SERIES:,} series; plain loop "
                     f"{max(loops):,.0f}: {max(rates) / max(loops):.1f} times; {state:.0f} bytes of state a series\n")
    if importlib.util.find_spec("river") is None:
        sys.stdout.write("river's half-space trees: river is not installed\n")
    else:
        trees = half_space_trees(values[:, :TREE_SERIES])
        sys.stdout.write(f"river's half-space trees {trees:,.0f}: {max(rates) / trees:.0f} times\n")
    return 0


def half_space_trees(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float:
    """Observations per CPU-second of river's anomaly detector as it comes, one for each series."""
    anomaly = importlib.import_module("river.anomaly")
    forests = [anomaly.HalfSpaceTrees(seed=1) for _ in range(values.shape[1])]
    begun = time.process_time()
    for x in (values / 200.0).tolist():
        for forest, value in zip(forests, x, strict=True):
            forest.score_one({"x": value})
            forest.learn_one({"x": value})
    return values.size / (time.process_time() - begun)


def vectorised(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float:
    """Observations per CPU-second of baselines and anomalies together, once warm."""
    rows = np.arange(SERIES)
    baselines, anomalies = Baselines(SERIES), Anomalies(SERIES)
    everything, yes = np.full(SERIES, np.inf), np.ones(SERIES, np.bool_)
    noise = np.zeros(SERIES)
    begun = 0.0
    for step, x in enumerate(values):
        if step == STEPS // 2:
            baselines.count[:] = 1000  # a measure is young for its first hundred values only
            begun = time.process_time()
        at = np.full(SERIES, 60.0 * step)
        judgement = baselines.observe(rows, at, x, noise, anomalies.out)
        anomalies.judge(rows, at, np.abs(judgement.z), yes, everything, judgement.missed)
    return SERIES * (STEPS - STEPS // 2) / (time.process_time() - begun)


def loop(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float:
    """Observations per CPU-second of a rolling z over sixty values, series by series."""
    windows: list[deque[float]] = [deque(maxlen=60) for _ in range(values.shape[1])]
    begun = time.process_time()
    for x in values.tolist():
        for window, value in zip(windows, x, strict=True):
            if len(window) > 1:
                mean = sum(window) / len(window)
                spread = (sum((each - mean) ** 2 for each in window) / len(window)) ** 0.5
                _ = (value - mean) / (spread or 1.0)
            window.append(value)
    return values.size / (time.process_time() - begun)


if __name__ == "__main__":
    sys.exit(main())
