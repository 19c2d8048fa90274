"""A stream's input without a log: services with requests, failures, durations and calls, by the minute."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from services.detection.detector import StreamDetector
from services.detection.incident import Event, EventKind, Incident, Transition
from services.detection.series import Series, SeriesSource, SeriesType
from services.detection.tuning import Tuning

START = datetime(2026, 7, 6, 9, 0, tzinfo=UTC)
NS = 1_000_000_000


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


@dataclass(frozen=True)
class Fault:
    """What goes wrong in a service in some minutes. slower: factor of its durations."""

    service: str
    minutes: range
    failing: float = 0.0
    slower: float = 1.0


@dataclass
class Town:
    """Services at ten requests a second, one request in a thousand failing, 80 ms at the 95th percentile."""

    services: tuple[str, ...]
    calls: tuple[tuple[str, str], ...] = ()
    faults: tuple[Fault, ...] = ()
    events: tuple[Event, ...] = ()
    seed: int = 1
    _ids: dict[tuple[str, ...], int] = field(default_factory=dict)

    def tell(self, detector: StreamDetector, number: int) -> None:
        """Everything that minute `number` says."""
        chance = np.random.default_rng((self.seed, number))
        at = round(minute(number + 1).timestamp()) * NS
        for service in self.services:
            faults = [each for each in self.faults if each.service == service and number in each.minutes]
            requests = int(chance.integers(570, 631))
            failing = int(chance.binomial(requests, min(sum([each.failing for each in faults], 0.001), 1.0)))
            slow = 0.08 * np.prod([each.slower for each in faults]) * (1 + chance.normal(0, 0.05))
            self._add(detector, service, "requests", SeriesType.DELTA, at, requests - failing, {"code": "200"})
            self._add(detector, service, "requests", SeriesType.DELTA, at, failing, {"code": "500"})
            self._add(detector, service, "latency.p95", SeriesType.GAUGE, at, float(slow), {}, unit="s")
        for caller, callee in self.calls:
            identity = self._define(detector, callee, "call.duration", SeriesType.DELTA_HISTOGRAM,
                                    {"caller": caller, "operation": "get"}, "s", SeriesSource.CALL)
            detector.add_histogram(identity, at, at - 60 * NS, 600.0, [0.05, 0.1], [500.0, 100.0])
        for event in self.events:
            if minute(number) < event.occurred_at <= minute(number + 1):
                detector.event(event)

    def _add(self, detector: StreamDetector, service: str, name: str, kind: SeriesType, at: int, value: float,
             attributes: dict[str, str], unit: str = "") -> None:
        identity = self._define(detector, service, name, kind, attributes, unit, SeriesSource.METRIC)
        detector.add(np.array([identity]), np.array([at]), np.array([at - 60 * NS]), np.array([float(value)]))

    def _define(self, detector: StreamDetector, service: str, name: str, kind: SeriesType, attributes: dict[str, str],
                unit: str, source: SeriesSource) -> int:
        key = (service, name, *attributes.values())
        identity = self._ids.setdefault(key, len(self._ids) + 1)
        detector.define(Series(identity, service, name if name != "requests" else "http.server.requests", unit, kind,
                               source, attributes))
        return identity


def lived(town: Town, *, minutes: int = 150, tuning: Tuning | None = None, close: bool = True,
          cut: Callable[[int], bool] = lambda number: True, late: Iterable[Event] = ()) -> list[Transition]:
    """Every transition of a town's stream. cut: whether the watermark is told after this minute. late: events that come
    25 minutes before the end."""
    detector = StreamDetector("t", tuning)
    steps: list[Transition] = []
    for number in range(minutes):
        town.tell(detector, number)
        if number == minutes - 25:
            for event in late:
                detector.event(event)
        if cut(number):
            steps += detector.advance(minute(number + 1).timestamp(), START)
    return steps + (detector.close(START) if close else detector.advance(minute(minutes).timestamp(), START))


def at_the_end(steps: Iterable[Transition]) -> list[Incident]:
    """Each incident as it was seen last, in order of onset."""
    return sorted({step.seen.name: step.seen for step in steps}.values(), key=lambda each: (each.onset_at, each.name))


def alert(number: float, *, firing: bool, service: str = "shop", fingerprint: str = "f1",
          severity: str = "critical") -> Event:
    return Event(id=f"alert-{fingerprint}-{number}", occurred_at=minute(number), kind=EventKind.ALERT, service=service,
                 fingerprint=fingerprint, alert_name="HighErrorRate", alert_severity=severity, is_firing=firing,
                 text=f"alert HighErrorRate {'firing' if firing else 'resolved'}")


def deploy(number: float, *, service: str = "shop", version: str = "v2") -> Event:
    return Event(id=f"deploy-{version}-{number}", occurred_at=minute(number), kind=EventKind.DEPLOY, service=service,
                 text=f"{service} {version} deployed")


def note(number: float, text: str, *, service: str = "") -> Event:
    return Event(id=f"note-{number}-{text}", occurred_at=minute(number), kind=EventKind.NOTE, service=service,
                 text=text)
