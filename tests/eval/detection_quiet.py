"""False incidents of a simulated quiet month: `make eval-quiet`, or with services, days and seeds as arguments.

The month's values go to the product's own detector as complete intervals, without the log and the network: baselines,
anomalies, grouping, cases, all as they run in production, with the default settings. With OUTAGES=1 every tenth
service has one real failure, so that silence is not bought with blindness.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from services.detection.alignment import Interval
from services.detection.detector import StreamDetector
from services.detection.incident import Event, EventKind, Incident, Kind
from services.detection.series import Reading, Series, SeriesSource, SeriesType, Signal
from tests.eval.quiet_month import MINUTES, START, Minute, QuietMonth

_HISTOGRAM = "http.server.request.duration"


@dataclass(frozen=True, slots=True)
class Outage:
    """Half an hour in which a fifth of a service's requests fail."""

    service: int
    minute: int
    minutes: int = 30
    share: float = 0.2


def main(services: int = 200, days: int = 30, seeds: int = 1) -> int:
    with_outages = os.environ.get("OUTAGES") == "1"
    total = 0
    for seed in range(1, seeds + 1):
        month = QuietMonth(services=services, days=days, seed=seed)
        outages = _outages(month) if with_outages else []
        begun, found = time.monotonic(), []
        for opened in incidents(month, outages):
            is_real = any(opened.service == month.names[each.service] and
                          -60 <= opened.onset_at.timestamp() - START.timestamp() - each.minute * 60 <= each.minutes * 60
                          for each in outages)
            found.append(is_real)
            if not is_real:
                sys.stdout.write(f"  {opened.onset_at:%m-%d %H:%M} P{opened.severity} {opened.title}\n")
                sys.stdout.flush()
        total += found.count(False)
        caught = f", {found.count(True)} incidents for {len(outages)} outages" if with_outages else ""
        sys.stdout.write(f"seed {seed}: {found.count(False)} false incidents in {services} services and {days} days"
                         f"{caught} ({time.monotonic() - begun:.0f} s)\n")
    return 0 if total <= seeds else 1


def incidents(month: QuietMonth, outages: list[Outage]) -> Iterator[Incident]:
    """Every incident that opens."""
    detector = StreamDetector("quiet")
    rows = _defined(detector, month)
    deploys = sorted(month.deploys, key=lambda each: each[1])
    for number, minute in enumerate(month.minutes()):
        while deploys and deploys[0][1] <= number:
            service, at = deploys.pop(0)
            moment = datetime.fromtimestamp(START.timestamp() + at * 60, UTC)
            detector.event(Event(id=f"{service}-{at}", occurred_at=moment, kind=EventKind.DEPLOY,
                                 service=month.names[service], text="deployed"))
        for each in outages:
            if each.minute <= number < each.minute + each.minutes:
                minute.failed[each.service] += np.floor(minute.requests[each.service] * each.share)
        for step in detector.decide(_interval(minute, rows), START):
            if step.kind is Kind.OPENED:
                yield step.seen


def _defined(detector: StreamDetector, month: QuietMonth) -> dict[str, "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    """Makes every service's series known; the row of each of its measures, by what it is, shape (services,)."""
    for place, name in enumerate(month.names):
        detector.define(Series(3 * place, name, _HISTOGRAM, "s", SeriesType.DELTA_HISTOGRAM, SeriesSource.METRIC,
                               {"http.response.status_code": "200"}))
        detector.define(Series(3 * place + 1, name, "container.cpu.utilization", "1"))
        detector.define(Series(3 * place + 2, name, "process.memory.utilization", "1"))
    for caller, callee in month.calls:
        detector.graph.add(caller, callee)
    found: dict[str, list[int]] = {kind: [] for kind in ("requests", "share", "p50", "p95", "cpu", "memory")}
    for row, measure in enumerate(detector.alignment.measures):
        kind = {Reading.RATE: "requests", Reading.SHARE: "share"}.get(measure.reading, "")
        if measure.reading is Reading.QUANTILE:
            kind = f"p{measure.quantile * 100:.0f}"
        elif measure.reading is Reading.GAUGE:
            kind = "cpu" if measure.signal is Signal.SATURATION else "memory"
        found[kind].append(row)
    return {kind: np.array(rows, np.int64) for kind, rows in found.items()}


def _interval(minute: Minute, rows: dict[str, "np.ndarray[tuple[int], np.dtype[np.int64]]"]) -> Interval:
    unknown = np.full(minute.requests.shape, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = minute.failed / minute.requests
    parts = [(rows["requests"], minute.requests, minute.requests), (rows["share"], share, minute.requests),
             (rows["p50"], minute.p50_s, minute.requests), (rows["p95"], minute.p95_s, minute.requests),
             (rows["cpu"], minute.cpu, unknown), (rows["memory"], minute.memory, unknown)]
    row, value, count = (np.concatenate([part[place] for part in parts]) for place in range(3))
    known = ~np.isnan(value)
    order = np.argsort(row[known])
    ends = np.full(int(known.sum()), minute.at_s)
    return Interval(round(minute.at_s / 60) - 1, row[known][order].astype(np.int64), value[known][order],
                    count[known][order], ends - 60.0, ends)


def _outages(month: QuietMonth) -> list[Outage]:
    """One in every tenth service that has the requests to show it, days after the beginning."""
    chance = np.random.default_rng(7)
    busy = [service for service in range(0, month.services, 10) if month.per_minute[service] >= 60
            and month.born_day[service] == 0 and month.gone_day[service] > month.days]
    return [Outage(service, int(chance.integers(3 * MINUTES, (month.days - 1) * MINUTES))) for service in busy]


if __name__ == "__main__":
    sys.exit(main(*(int(each) for each in sys.argv[1:])))
