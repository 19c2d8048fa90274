"""Numenta's Anomaly Benchmark by its published rules: `make eval-detection DATA=DIR`.

Scoring (Lavin and Ahmad, 2015; version 1.1): the first 15 % of a series, at most 750 rows, are not scored. In each
labelled window the earliest row at or above the threshold earns a sigmoid of its place, 1 at the window's start and
about 0 at its end; every such row outside costs up to the profile's price, growing with its distance from the window
before it; a window without any costs the price of a miss. 0 is no detection at all, 100 is perfect. Three profiles;
the threshold in three ways: the best for the whole corpus, the best on the other categories, the product's own.
"""

import json
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.detection.offline import Replayed, replay_all
from services.detection.recordings import read, time
from tests.eval import detection_kpis

Floats = npt.NDArray[np.float64]
# The product opens an incident at a score of one half.
DEFAULT = 0.5
# Gains and prices: a true detection, a false one, a missed window.
PROFILES = {"standard": (1.0, 0.11, 1.0), "low false positives": (1.0, 0.22, 1.0),
            "low false negatives": (1.0, 0.11, 2.0)}
PROBATION, PROBATION_ROWS = 0.15, 750


@dataclass(frozen=True, slots=True)
class Labelled:
    """A series with its scores and its windows (first and last row)."""

    name: str
    category: str
    scores: Floats
    windows: list[tuple[int, int]]
    days: float
    incidents: list[tuple[int, int]]

    @property
    def probation(self) -> int:
        return math.floor(min(PROBATION * len(self.scores), PROBATION * 5000, PROBATION_ROWS))


def sigmoid(place: float) -> float:
    """NAB's: 1 at −1 (the window's start), 0 at 0 (its end), towards −1 after it."""
    return 2.0 / (1.0 + math.exp(5.0 * place)) - 1.0 if place <= 3.0 else -1.0


def raw_score(series: Labelled, threshold: float, profile: str) -> float:
    """What a series earns at a threshold, before it is brought to 0…100."""
    gain, price, missed = PROFILES[profile]
    rows = [row for row in np.flatnonzero(series.scores >= threshold).tolist() if row >= series.probation]
    total = 0.0
    for start, end in series.windows:
        inside = [row for row in rows if start <= row <= end]
        if inside:
            total += gain * sigmoid(-(end - inside[0] + 1) / (end - start + 1)) / sigmoid(-1.0)
        else:
            total -= missed
    for row in rows:
        if any(start <= row <= end for start, end in series.windows):
            continue
        before = [(start, end) for start, end in series.windows if end < row]
        if not before:
            total -= price
            continue
        start, end = before[-1]
        total += price * sigmoid((row - end) / max(end - start, 1))
    return total


def score(corpus: Iterable[Labelled], threshold: float, profile: str) -> tuple[float, int]:
    """Raw score and number of windows."""
    found = list(corpus)
    return sum(raw_score(each, threshold, profile) for each in found), sum(len(each.windows) for each in found)


def normalised(raw: float, windows: int, profile: str) -> float:
    """0 for a detector that says nothing, 100 for a perfect one."""
    gain, _, missed = PROFILES[profile]
    null, perfect = -missed * windows, gain * windows
    return 100.0 * (raw - null) / (perfect - null) if windows else 0.0


def best_threshold(corpus: list[Labelled], profile: str) -> float:
    """The threshold with the highest raw score, to a hundredth."""
    candidates = np.arange(0.05, 1.0, 0.01)
    return max((float(each) for each in candidates), key=lambda each: score(corpus, each, profile)[0])


def main(directory: Path) -> int:
    labels = directory / "labels" / "combined_windows.json"
    if not labels.exists():
        sys.stderr.write(f"no {labels}; give the folder of Numenta's benchmark: DATA=DIR\n")
        return 2
    corpus = load(directory, json.loads(labels.read_text()))
    for profile in PROFILES:
        in_sample = best_threshold(corpus, profile)
        raw, windows = score(corpus, in_sample, profile)
        line = [f"in sample {normalised(raw, windows, profile):.1f} at {in_sample:.2f}"]
        raw = sum(score([each for each in corpus if each.category == category],
                        best_threshold([each for each in corpus if each.category != category], profile), profile)[0]
                  for category in sorted({each.category for each in corpus}))
        line.append(f"transfer {normalised(raw, windows, profile):.1f}")
        raw, _ = score(corpus, DEFAULT, profile)
        line.append(f"product default {normalised(raw, windows, profile):.1f}")
        sys.stdout.write(f"{profile}: {', '.join(line)}\n")
    false = sum(1 for each in corpus for begin, end in each.incidents
                if not any(begin <= last and end >= first for first, last in each.windows))
    days = sum(each.days for each in corpus)
    found = sum(1 for each in corpus for first, last in each.windows
                if any(begin <= last and end >= first for begin, end in each.incidents))
    windows = sum(len(each.windows) for each in corpus)
    sys.stdout.write(f"incidents at the product's default: {found} of {windows} windows, {false} outside in {days:.0f} "
                     f"series-days, {false / days:.3f} a series-day\n")
    detection_kpis.report()
    return 0


def load(directory: Path, labels: dict[str, list[list[str]]]) -> list[Labelled]:
    """Every series of the benchmark, scored."""
    recordings = {}
    for path in sorted((directory / "data").rglob("*.csv.gz")):
        name = path.relative_to(directory / "data").as_posix().removesuffix(".gz")
        [recordings[name]] = read(name, path.read_bytes())
    replayed = {each.recorded.name: each for each in replay_all([each.recorded for each in recordings.values()])}
    return [_labelled(replayed[name], labels.get(name, [])) for name in recordings]


def _labelled(replayed: Replayed, windows: list[list[str]]) -> Labelled:
    times, name = replayed.recorded.times, replayed.recorded.name
    places = [(int(np.searchsorted(times, time(first))), int(np.searchsorted(times, time(last), side="right")) - 1)
              for first, last in windows]
    last = len(times) - 1
    incidents = [(each.start, each.resolved if each.resolved >= 0 else last) for each in replayed.incidents]
    return Labelled(name, name.split("/")[0], replayed.scores.astype(np.float64), places,
                    float(times[-1] - times[0]) / 86400.0, incidents)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) if len(sys.argv) > 1 else main(Path()))
