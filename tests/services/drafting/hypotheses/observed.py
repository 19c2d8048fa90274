"""Small observations for tests, with defaults for what a test is not about."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from services.drafting.observations import (
    CallWindow,
    Deploy,
    Event,
    IncidentFacts,
    LogPatternWindow,
    Observations,
    OperationWindow,
    PatternChange,
    SeriesWindow,
)
from shared.window import Window

ONSET = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = Window(ONSET, ONSET + timedelta(minutes=10))
BASELINE = Window(ONSET - timedelta(hours=1), ONSET)


def observations(*, series: Sequence[SeriesWindow] = (), operations: Sequence[OperationWindow] = (),
                 calls: Sequence[CallWindow] = (), patterns: Sequence[LogPatternWindow] = (),
                 events: Sequence[Event] = ()) -> Observations:
    return Observations(window=WINDOW, baseline=BASELINE, series=tuple(series), operations=tuple(operations),
                        calls=tuple(calls), log_patterns=tuple(patterns), events=tuple(events))


def incident(*services: str, recovered_at: datetime | None = None) -> IncidentFacts:
    affected = services or ("shop",)
    return IncidentFacts(name="incidents/one", stream="live", onset_at=ONSET, detected_at=ONSET + timedelta(minutes=1),
                         service=affected[0], services=affected, recovered_at=recovered_at)


def series(service: str, metric_name: str, *, before: float, now: float, unit: str = "", noise: float = 0.05,
           points: int = 60, **attributes: str) -> SeriesWindow:
    """A metric at `before`, with relative noise that is the same in every run, which then stands at `now`."""
    wave = np.sin(np.arange(points) * 2.4 + len(service))
    baseline = before * (1 + noise * wave)
    median = float(np.median(baseline))
    return SeriesWindow(
        service=service, metric_name=metric_name, unit=unit, attributes=attributes,
        times=tuple(ONSET + timedelta(minutes=minute) for minute in range(5)), values=(now,) * 5,
        baseline_median=median, baseline_spread=float(1.4826 * np.median(np.abs(baseline - median))),
        baseline_points=points, baseline_values=tuple(float(value) for value in baseline))


def operation(service: str, name: str, *, count: int, before: int, self_s: float = 0.01, self_before_s: float = 0.01,
              kind: str = "", errors: int = 0) -> OperationWindow:
    return OperationWindow(
        service=service, operation=name, span_kind=kind, count=count, errors=errors, baseline_count=before,
        p50_s=self_s, baseline_p50_s=self_before_s, window_s=600, baseline_s=3600,
        self_p50_s=self_s, baseline_self_p50_s=self_before_s)


def call(caller: str, callee: str, name: str = "GET /", *, count: int = 100, before: int = 600, took_s: float = 0.02,
         took_before_s: float = 0.02, gap_s: float = 0.002, gap_before_s: float = 0.002, errors: int = 0) -> CallWindow:
    return CallWindow(
        caller=caller, service=callee, operation=name, count=count, errors=errors, baseline_count=before,
        p50_s=took_s, baseline_p50_s=took_before_s, window_s=600, baseline_s=3600,
        gap_p50_s=gap_s, baseline_gap_p50_s=gap_before_s)


def pattern(service: str, template: str, *, count: int, before: int = 0, severity: str = "ERROR",
            root_frame: str = "") -> LogPatternWindow:
    change = PatternChange.NEW if not before else PatternChange.GONE if not count else PatternChange.STEADY
    return LogPatternWindow(
        service=service, pattern=template[:12], template=template, severity=severity, count=count,
        baseline_count=before, change=change, example=template, first_seen_at=ONSET if count else None,
        root_frame=root_frame)


def deploy(service: str, version: str, *, minutes_before: float, previous: str = "", is_rollback: bool = False
           ) -> Event:
    return Event(id=f"{service}-{version}-{minutes_before}", occurred_at=ONSET - timedelta(minutes=minutes_before),
                 service=service, detail=Deploy(version, previous_version=previous, is_rollback=is_rollback))
