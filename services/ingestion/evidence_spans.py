"""Operations and calls in a window, beside what they were before."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afteraction.v1 import evidence_pb2 as pb
from services.ingestion.evidence_series import Span as Interval
from services.ingestion.span_table import Floats, Indexes, SpanTable

_MINUTE = 60_000_000_000
_MOST_MINUTES = 1440
_BEFORE, _INSIDE = 0, 1
# Larger than any number of services, texts and kinds.
_SHIFT = 2**21


def windows(spans: SpanTable, interval: Interval) -> list[pb.Observation]:
    """Every operation, then every call."""
    started = spans.rows["started"]
    inside = (started >= interval.start) & (started < interval.end)
    rows = np.flatnonzero(inside | (started >= interval.before) & (started < interval.until))
    callers = np.where(spans.parents >= 0, spans.rows["service"][spans.parents], spans.rows["service"])
    calls = rows[callers[rows] != spans.rows["service"][rows]]
    durations = spans.durations_s
    gaps = durations[spans.parents] - durations
    # Asynchronous work outlives its caller: there is no gap to speak of.
    gaps[gaps < 0] = np.nan
    found = []
    for each in _groups(spans, rows, inside, None, spans.self_s, interval):
        each.message.self_p50_s, each.message.baseline_self_p50_s = each.other_p50_s
        found.append(pb.Observation(operation=each.message))
    for each in _groups(spans, calls, inside, callers, gaps, interval):
        each.message.gap_p50_s, each.message.baseline_gap_p50_s = each.other_p50_s
        found.append(pb.Observation(call=each.message))
    return found


@dataclass(frozen=True, slots=True)
class _Group:
    """other_p50_s: of the window and of the baseline: time of its own, or the gap to its caller."""

    message: pb.OperationWindow
    other_p50_s: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Sides:
    """Rows in order of group and side, and where each of both begins: twice the group, and one more when inside."""

    rows: Indexes
    slots: Indexes
    begins: Indexes

    def split(self, slot: int) -> Indexes:
        return self.rows[self.begins[slot]:self.begins[slot + 1]]


def _groups(spans: SpanTable, rows: Indexes, inside: NDArray[np.bool_], callers: NDArray[np.uint32] | None,
            others: Floats, interval: Interval) -> list[_Group]:
    """Rows by operation, and by who called where `callers` are given, in order of their names."""
    if not len(rows):
        return []
    caller = np.zeros(len(rows), np.int64) if callers is None else callers[rows].astype(np.int64)
    what = spans.rows[rows]
    places, place = np.unique(caller * _SHIFT + what["service"], return_inverse=True)
    labels, label = np.unique(what["operation"].astype(np.int64) * _SHIFT + what["kind"], return_inverse=True)
    keys, group = np.unique(place * len(labels) + label, return_inverse=True)
    sides = _sides(rows, group, inside, len(keys))
    durations = spans.durations_s
    p50, p95 = quantiles(durations[sides.rows], sides.slots, sides.begins, (0.5, 0.95))
    other, = quantiles(others[sides.rows], sides.slots, sides.begins, (0.5,))
    found = []
    for index, key in enumerate(keys.tolist()):
        where, named = int(places[key // len(labels)]), int(labels[key % len(labels)])
        before, now = 2 * index + _BEFORE, 2 * index + _INSIDE
        message = _message(spans, sides.split(before), sides.split(now), interval)
        message.service = spans.services[where % _SHIFT]
        message.operation, message.span_kind = spans.texts[named // _SHIFT], spans.texts[named % _SHIFT]
        if callers is not None:
            message.caller = spans.services[where // _SHIFT]
        message.p50_s, message.baseline_p50_s, message.p95_s, message.baseline_p95_s = (
            p50[now], p50[before], p95[now], p95[before])
        found.append(_Group(message, (other[now], other[before])))
    return sorted(found, key=lambda each: (each.message.caller, each.message.service, each.message.operation,
                                           each.message.span_kind))


def _sides(rows: Indexes, group: Indexes, inside: NDArray[np.bool_], count: int) -> _Sides:
    slots = group * 2 + inside[rows]
    order = np.argsort(slots, kind="stable")
    begins = np.concatenate(([0], np.cumsum(np.bincount(slots, minlength=2 * count))))
    return _Sides(rows[order], slots[order], begins)


def quantiles(values: Floats, slots: Indexes, begins: Indexes, wanted: Sequence[float]) -> list[list[float]]:
    """Of the values of each slot, linear between two of them, 0 where there is none. NaN counts as no value.

    slots: in order; begins: where each begins, and the end.
    """
    if not len(values):
        return [[0.0] * (len(begins) - 1) for _ in wanted]
    ordered = values[np.lexsort((values, slots))]  # NaN comes last in each
    missing = np.bincount(slots, np.isnan(values), len(begins) - 1).astype(np.int64)
    counts = np.diff(begins) - missing
    found = []
    for q in wanted:
        at = np.maximum(counts - 1, 0) * q
        low = at.astype(np.int64)
        high = np.minimum(low + 1, np.maximum(counts - 1, 0))
        first = np.minimum(begins[:-1], len(ordered) - 1)
        left, right = ordered[np.minimum(first + low, len(ordered) - 1)], ordered[
            np.minimum(first + high, len(ordered) - 1)]
        found.append(np.where(counts > 0, left + (right - left) * (at - low), 0.0).tolist())
    return found


def _message(spans: SpanTable, before: Indexes, now: Indexes, interval: Interval) -> pb.OperationWindow:
    minutes = min(-(-(interval.end - interval.start) // _MINUTE), _MOST_MINUTES)
    started, is_error = spans.rows["started"], spans.rows["is_error"]
    in_minutes = np.bincount((started[now] - interval.start) // _MINUTE, minlength=minutes)[:minutes]
    failed = now[is_error[now]]
    found = pb.OperationWindow(
        count=len(now), errors=len(failed), baseline_count=len(before), baseline_errors=int(is_error[before].sum()),
        window_s=(interval.end - interval.start) / 1e9, baseline_s=(interval.until - interval.before) / 1e9,
        counts_per_minute=in_minutes.tolist())
    if len(failed):
        found.first_error_at.FromNanoseconds(int(started[failed].min()))
    return found
