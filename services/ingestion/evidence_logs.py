"""Log patterns in a window, beside what they were before: new, bursting, gone, steady."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from afteraction.v1 import evidence_pb2 as pb
from afteraction.v1 import series_pb2
from services.ingestion.blocks import joined_points
from services.ingestion.columns import decode_points
from services.ingestion.evidence_series import Span
from services.ingestion.records import Line

_MINUTE = 60_000_000_000
_BURST = 3.0
_LEAST_LINES = 5
# A chunk is what one request carried, often a thousand lines.
_MOST_CHUNKS = 40
_SEVERITIES = ("", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_JAVA_FRAME = re.compile(r"^\s*at ([\w$.<>/]{1,300})\(([^()\n]{0,200})\)", re.MULTILINE)
_PYTHON_FRAME = re.compile(r'^\s*File "([^"\n]{1,300})", line (\d{1,7}), in (\S{1,200})', re.MULTILINE)
_NODE_FRAME = re.compile(
    r"^\s*at (?:async )?(?:([\w$.<>\[\] ]{1,200}) \()?((?:/|file:|node:)?[^()\s]{1,300}:\d+:\d+)\)?", re.MULTILINE)
_GO_FRAME = re.compile(r"^([\w./*()-]{1,300})\(.{0,200}\)\n\s+(\S{1,300}\.go:\d+)", re.MULTILINE)
_LIBRARIES = ("java.", "javax.", "jdk.", "sun.", "org.springframework.", "org.apache.", "io.netty.", "com.sun.",
              "kotlin.", "reactor.", "com.fasterxml.", "org.hibernate.")


class Counts:
    """How many lines there were of each series of `log.lines`, in which chunk."""

    def __init__(self, parts: Iterable[tuple[Sequence[int], Sequence[int] | None, series_pb2.PointColumns]]) -> None:
        """parts: of blocks or chunks: the positions of their chunks, how many points each of those brought (None where
        it is one), and the points."""
        found = [part for part in parts if part[2].series_ids]
        self.series, self.times, self.starts, self.lines = decode_points(
            joined_points([points for *_, points in found]))
        self.positions = np.concatenate([np.empty(0, np.int64), *(
            np.repeat(np.array(positions, np.int64), lengths or len(points.series_ids) // 8)
            for positions, lengths, points in found)])

    def chunks(self, span: Span) -> list[int]:
        """Positions of the chunks that have lines in the window."""
        # A count says when its last line came; the first came within its step.
        inside = (self.times >= span.start) & (self.starts < span.end)
        return [int(each) for each in np.unique(self.positions[inside])]

    @property
    def ids(self) -> list[int]:
        return [int(each) for each in np.unique(self.series)]


@dataclass(slots=True)
class _Pattern:
    severity: str = ""
    count: int = 0
    baseline: int = 0
    first: int = 0
    last: int = 0
    # The chunk that holds its first line in the window.
    position: int = 0
    minutes: dict[int, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(slots=True)
class Found:
    """A pattern as it will be answered, and the chunk that its example is to be read from; 0: from none."""

    message: pb.LogPatternWindow
    position: int


def windows(counts: Counts, definitions: Mapping[int, series_pb2.Series], templates: Mapping[tuple[str, str], str],
            span: Span, most_per_service: int) -> list[Found]:
    """The patterns of each service that say most: new, gone and bursting ones first, the more severe ones first."""
    found: dict[tuple[str, str], _Pattern] = defaultdict(_Pattern)
    covered: dict[str, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    inside = (counts.times >= span.start) & (counts.times < span.end)
    before = (counts.times >= span.before) & (counts.times < span.until)
    order = np.argsort(counts.series, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(counts.series[order])) + 1) if len(order) else ():
        series = definitions.get(int(counts.series[places[0]]))
        if series is None:
            continue
        pattern = found[series.service, series.attributes["pattern"]]
        was, now = places[before[places]], places[inside[places]]
        if len(was) or len(now):
            pattern.severity = _worse(pattern.severity, series.attributes["severity"])
        pattern.baseline += int(counts.lines[was].sum())
        covered[series.service][0].update(np.unique((counts.times[was] - span.start) // _MINUTE).tolist())
        covered[series.service][1].update(np.unique((counts.times[now] - span.start) // _MINUTE).tolist())
        if len(now):
            _see(pattern, counts, now, span)
    by_service: dict[str, list[Found]] = defaultdict(list)
    for (service, identifier), pattern in found.items():
        if pattern.count or pattern.baseline:
            sides = covered[service]
            by_service[service].append(Found(
                _message(service, identifier, templates.get((service, identifier), ""), pattern,
                         (len(sides[0]), len(sides[1])), span), pattern.position))
    return [each for service in sorted(by_service)
            for each in sorted(by_service[service], key=lambda one: _weight(one.message))[:most_per_service]]


def _see(pattern: _Pattern, counts: Counts, now: NDArray[np.int64], span: Span) -> None:
    pattern.count += int(counts.lines[now].sum())
    earliest = now[np.argmin(counts.times[now])]
    # A count says when its last line came; the first came within its step.
    first = int(max(counts.starts[earliest], span.start))
    if not pattern.first or first < pattern.first:
        pattern.first, pattern.position = first, int(counts.positions[earliest])
    pattern.last = max(pattern.last, int(counts.times[now].max()))
    for minute, lines in zip(((counts.times[now] - span.start) // _MINUTE).tolist(), counts.lines[now].tolist(),
                             strict=True):
        pattern.minutes[minute] += int(lines)


def chunks_of_examples(found: Sequence[Found]) -> list[int]:
    """Positions to read for examples: those of the patterns that say most, no more than can be read at once."""
    ranked = sorted((each for each in found if each.position), key=lambda each: _weight(each.message))
    return sorted(list(dict.fromkeys(each.position for each in ranked))[:_MOST_CHUNKS])


def give_examples(found: Sequence[Found], lines: Iterable[Line], span: Span) -> None:
    """Fills in the earliest line of each pattern among `lines`; those without one keep none."""
    earliest: dict[tuple[str, str], Line] = {}
    for line in lines:
        key = (line.service, line.pattern)
        if span.start <= line.occurred_at < span.end and (
                key not in earliest or line.occurred_at < earliest[key].occurred_at):
            earliest[key] = line
    for each in found:
        example = earliest.get((each.message.service, each.message.pattern))
        if example is not None and each.message.count:
            message = each.message
            message.example, message.example_trace_id = example.body[:4000], example.trace_id.hex()
            message.example_at.FromNanoseconds(example.occurred_at)
            message.first_seen_at.FromNanoseconds(example.occurred_at)
            message.root_frame = root_frame(example.body)


def _worse(left: str, right: str) -> str:
    return max(left, right, key=lambda each: _SEVERITIES.index(each) if each in _SEVERITIES else 0)


def change(count: int, baseline: int, covered_before: int, covered_inside: int) -> int:
    """How a pattern moved. covered: minutes in which the service logged anything, since silence may be a gap in the
    recording and says nothing about one pattern."""
    if not baseline:
        return pb.PATTERN_CHANGE_NEW if covered_before else pb.PATTERN_CHANGE_UNSPECIFIED
    expected = baseline / max(covered_before, 1) * covered_inside
    if not count:
        return pb.PATTERN_CHANGE_GONE if expected >= _LEAST_LINES else pb.PATTERN_CHANGE_STEADY
    # The square root of what was expected is how far chance alone carries a count (Poisson).
    if count >= _LEAST_LINES and count > _BURST * expected and count > expected + 4 * max(expected, 1) ** 0.5:
        return pb.PATTERN_CHANGE_BURST
    return pb.PATTERN_CHANGE_STEADY


def _message(service: str, identifier: str, template: str, pattern: _Pattern, covered: tuple[int, int],
             span: Span) -> pb.LogPatternWindow:
    minutes = -(-(span.end - span.start) // _MINUTE)
    found = pb.LogPatternWindow(service=service, pattern=identifier, template=template, severity=pattern.severity,
                                count=pattern.count, baseline_count=pattern.baseline,
                                change=change(pattern.count, pattern.baseline, *covered),  # type: ignore[arg-type]
                                counts_per_minute=[pattern.minutes.get(each, 0) for each in range(min(minutes, 1440))])
    if pattern.count:
        found.first_seen_at.FromNanoseconds(pattern.first)
        found.last_seen_at.FromNanoseconds(pattern.last)
    return found


_ORDER = {pb.PATTERN_CHANGE_NEW: 0, pb.PATTERN_CHANGE_BURST: 0, pb.PATTERN_CHANGE_GONE: 1}


def _weight(found: pb.LogPatternWindow) -> tuple[int, int, int, str]:
    severity = _SEVERITIES.index(found.severity) if found.severity in _SEVERITIES else 0
    return _ORDER.get(found.change, 2), -severity, -int(found.count or found.baseline_count), found.pattern


def root_frame(body: str) -> str:
    """The frame where the first cause in a stack trace was raised: of a team's own code where there is any."""
    cause = body.rpartition("Caused by: ")[2]
    java = [f"{name}({place})" for name, place in _JAVA_FRAME.findall(cause)]
    if java:
        return next((frame for frame in java if not frame.startswith(_LIBRARIES)), java[0])
    python = _PYTHON_FRAME.findall(body)
    if python:
        own = [each for each in python if "site-packages" not in each[0] and "/lib/python" not in each[0]]
        path, line, function = (own or python)[-1]
        return f"{function}({path}:{line})"
    go = [(name, place) for name, place in _GO_FRAME.findall(body) if not name.startswith(("runtime.", "panic"))]
    if go:
        return f"{go[0][0]}({go[0][1]})"
    node = _NODE_FRAME.search(body)
    return f"{node[1] or ''}({node[2]})" if node else ""


def records(lines: Sequence[Line], span: Span, most_per_service: int) -> list[pb.Observation]:
    """Raw lines of the window: the most severe ones of each service first, then in order of time."""
    by_service: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if span.start <= line.occurred_at < span.end:
            by_service[line.service].append(line)
    found = []
    for service in sorted(by_service):
        severe = sorted(by_service[service], key=lambda each: (
            -(_SEVERITIES.index(each.severity) if each.severity in _SEVERITIES else 0), each.occurred_at))
        for line in sorted(severe[:most_per_service], key=lambda each: each.occurred_at):
            record = pb.LogRecord(service=service, severity=line.severity, body=line.body,
                                  trace_id=line.trace_id.hex(), pattern=line.pattern)
            record.occurred_at.FromNanoseconds(line.occurred_at)
            found.append(pb.Observation(log_record=record))
    return found
