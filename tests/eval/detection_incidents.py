"""Recorded incidents through detection's pure path: `make eval-incidents DATA=DIR`.

A case is a folder with telemetry.ndjson.gz and truth.json. Printed for each: whether an incident opened with its onset
in [start, end + one period], after how many periods, with the failing service among its services, and what opened in
the quiet part before. Spans become the series that ingestion derives from them: a duration histogram a minute for each
operation and each call.
"""

import gzip
import hashlib
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from services.detection.detector import StreamDetector
from services.detection.incident import Incident
from services.detection.series import Series, SeriesSource, SeriesType

BOUNDS = [0.00075 * 1.5 ** step for step in range(36)] + [math.inf]
NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one case. periods: from the start of the failure to the detection."""

    case: str
    is_visible: bool
    opened: int
    periods: float
    names_service: bool
    quiet: int


def main(directory: Path) -> int:
    cases = sorted(path.parent for path in directory.glob("*/truth.json"))
    if not cases:
        sys.stderr.write(f"no cases in {directory}; give the folder of recorded incidents: DATA=DIR\n")
        return 2
    verdicts = []
    for case in cases:
        verdict = judged(case)
        verdicts.append(verdict)
        when = f"after {verdict.periods:.1f} periods" if verdict.opened else "not opened"
        sys.stdout.write(f"{verdict.case:8} {when:20} {'names the service' if verdict.names_service else '':18} "
                         f"{verdict.quiet} in the quiet part"
                         f"{'' if verdict.is_visible else '  (not visible in requests)'}\n")
    opened = [each for each in verdicts if each.opened]
    visible = [each for each in verdicts if each.is_visible]
    sys.stdout.write(
        f"opened {len(opened)} of {len(verdicts)}; of {len(visible)} visible in requests "
        f"{sum(1 for each in visible if each.opened)}; within two periods and a half "
        f"{sum(1 for each in opened if each.periods <= 2.5)}; naming the failing service "
        f"{sum(1 for each in opened if each.names_service)}; more than one "
        f"{sum(1 for each in opened if each.opened > 1)}; in quiet parts {sum(each.quiet for each in verdicts)}\n")
    return 0


def judged(case: Path) -> Verdict:
    """What detection makes of a case, beside what is known of it."""
    truth = json.loads((case / "truth.json").read_text())
    start, end, period = seconds(truth["start"]), seconds(truth["end"]), float(truth["metric_period_s"])
    incidents = run(case, period)
    hits = [each for each in incidents if start <= each.onset_at.timestamp() <= end + period]
    quiet = [each for each in incidents if each.onset_at.timestamp() < start]
    first = min(hits, key=lambda each: each.detected_at, default=None)
    return Verdict(case.name, bool(truth["visibility"]["visible_in_request_metrics"]), len(hits),
                   (first.detected_at.timestamp() - start) / period if first else math.nan,
                   any(truth["fault_service"] in each.services for each in hits), len(quiet))


def run(case: Path, period: float) -> list[Incident]:
    """The incidents of a case, as they are at the end."""
    detector = StreamDetector(case.name)
    received_at = datetime.now(UTC)
    found: dict[str, Incident] = {}
    complete_s = -math.inf
    for at, series, value in sorted(points(case, period), key=lambda point: (point[0], point[1].id)):
        if at - 60.0 > complete_s:
            complete_s = at - 60.0
            found |= {step.seen.name: step.seen for step in detector.advance(complete_s, received_at)}
        detector.define(series)
        if isinstance(value, list):
            detector.add_histogram(series.id, round(at * NS), round((at - 60) * NS), float(sum(value)), BOUNDS, value)
        else:
            since = round((at - period) * NS) if series.is_sum else 0
            detector.add(np.array([series.id]), np.array([round(at * NS)]), np.array([since]), np.array([value]))
    found |= {step.seen.name: step.seen for step in detector.close(received_at)}
    return list(found.values())


def points(case: Path, period: float) -> Iterator[tuple[float, Series, float | list[float]]]:
    """Every point of a case: Unix seconds, its series, its value or its buckets."""
    spans: list[dict[str, Any]] = []
    lines: dict[tuple[str, str, int], int] = defaultdict(int)
    with gzip.open(case / "telemetry.ndjson.gz", "rt") as file:
        for line in file:
            record = json.loads(line)
            if record["kind"] == "metric":
                kind = SeriesType.DELTA if record["type"] == "sum" else SeriesType.GAUGE
                yield (seconds(record["t"]), made(record["service"], record["name"], record.get("unit", ""), kind,
                                                  SeriesSource.METRIC, record.get("attributes", {})),
                       float(record["value"]))
            elif record["kind"] == "span":
                spans.append(record)
            elif record["kind"] == "log":
                lines[record["service"], record["severity"], int(seconds(record["t"]) // 60)] += 1
    for (service, severity, minute), count in lines.items():
        yield (minute + 1) * 60.0, made(service, "log.lines", "{line}", SeriesType.DELTA, SeriesSource.LOG,
                                        {"severity": severity}), float(count)
    yield from durations(spans)


def durations(spans: list[dict[str, Any]]) -> Iterator[tuple[float, Series, list[float]]]:
    """Spans and calls as histograms of their durations, by the minute in which they ended."""
    callers = {(span["trace_id"], span["span_id"]): span["service"] for span in spans}
    found: dict[tuple[SeriesSource, str, str, str, int], list[float]] = {}
    for span in spans:
        ended = seconds(span["end"])
        place = int(np.searchsorted(BOUNDS, ended - seconds(span["start"])))
        caller = callers.get((span["trace_id"], span["parent_span_id"]), span["service"])
        keys = [(SeriesSource.SPAN, span["service"], span["name"], "", int(ended // 60))]
        if caller != span["service"]:
            keys.append((SeriesSource.CALL, span["service"], span["name"], caller, int(ended // 60)))
        for key in keys:
            found.setdefault(key, [0.0] * len(BOUNDS))[place] += 1
    for (source, service, operation, caller, minute), counts in found.items():
        name = "span.duration" if source is SeriesSource.SPAN else "call.duration"
        attributes = {"operation": operation} | ({"caller": caller} if caller else {})
        yield (minute + 1) * 60.0, made(service, name, "s", SeriesType.DELTA_HISTOGRAM, source, attributes), counts


def made(service: str, name: str, unit: str, kind: SeriesType, source: SeriesSource,
         attributes: dict[str, str]) -> Series:
    """A series with an identity of its own."""
    text = json.dumps([service, name, source.value, sorted(attributes.items())])
    identity = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")
    return Series(identity, service, name, unit, kind, source, attributes)


def seconds(text: str) -> float:
    """Unix seconds of a time in RFC 3339."""
    return datetime.fromisoformat(text).timestamp()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) if len(sys.argv) > 1 else main(Path()))
