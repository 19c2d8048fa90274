"""Simulated service indicators through the backtest, by events: the second half of `make eval-detection`.

A failure is found when an incident is detected between its first row and a quarter of an hour after its last; an
incident that overlaps no failure is false. F1 is over events, at the product's default. The numbers of the detector
are chosen on some seeds and told for another, kind by kind, so that no kind carries the others.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.detection.offline import Opened, Recorded, Replayed, replay_all
from tests.eval import kpis, web_kpis
from tests.eval.kpis import DAY_S, Labelled

SLACK_S = 900.0
# Not used for choosing anything.
SEED = 20260


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted over some series."""

    found: int = 0
    failures: int = 0
    false: int = 0
    days: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.found + other.found, self.failures + other.failures, self.false + other.false,
                     self.days + other.days)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall over events."""
        return 2 * self.found / max(self.found + self.false + self.failures, 1)

    def __str__(self) -> str:
        return f"F1 {self.f1:.2f}, found {self.found} of {self.failures}, {self.false / self.days:.3f} false a day"


def tally(series: Labelled, incidents: Iterable[Opened]) -> Tally:
    """How incidents meet the failures of a series."""
    slack = max(round(SLACK_S / float(series.times[1] - series.times[0])), 2)
    last = len(series.times) - 1
    opened = [(each.start, each.detected, each.resolved if each.resolved >= 0 else last) for each in incidents]
    found = sum(any(first <= detected <= end + slack for _, detected, _ in opened) for first, end in series.failures)
    false = sum(not any(start <= end + slack and resolved >= first for first, end in series.failures)
                for start, _, resolved in opened)
    return Tally(found, len(series.failures), false, float(series.times[-1] - series.times[0]) / DAY_S)


def tallies(series: Iterable[Labelled], replayed: Mapping[str, Replayed]) -> dict[str, Tally]:
    """By kind."""
    found: dict[str, Tally] = {}
    for each in series:
        found[each.kind] = found.get(each.kind, Tally()) + tally(each, replayed[each.name].incidents)
    return found


def report(seed: int = SEED, per_kind: int = 4) -> None:
    """Replays both corpora and prints what came of them."""
    total = _reported("services and machines", list(kpis.corpus(seed, per_kind)))
    total += _reported("web services", list(web_kpis.corpus(seed, per_kind)))
    sys.stdout.write(f"simulated indicators at the product's default: {total}\n")


def _reported(what: str, series: list[Labelled]) -> Tally:
    replayed = {each.recorded.name: each
                for each in replay_all([Recorded(each.name, each.times, each.values) for each in series])}
    found = tallies(series, replayed)
    for kind, each in found.items():
        sys.stdout.write(f"  {kind:12} {each}\n")
    total = sum(found.values(), Tally())
    mean = sum(each.f1 for each in found.values()) / len(found)
    sys.stdout.write(f"{what}: {total}; mean F1 of the kinds {mean:.2f}\n")
    return total


if __name__ == "__main__":
    report()
