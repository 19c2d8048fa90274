"""Log patterns in a window, beside what they were before: new, bursting, gone, steady."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from afteraction.v1 import evidence_pb2 as pb
from services.ingestion.evidence_series import Span
from services.ingestion.records import Line

_MINUTE = 60_000_000_000
_BURST = 3.0
_LEAST_LINES = 5
_SEVERITIES = ("", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_JAVA_FRAME = re.compile(r"^\s*at ([\w$.<>/]{1,300})\(([^()\n]{0,200})\)", re.MULTILINE)
_PYTHON_FRAME = re.compile(r'^\s*File "([^"\n]{1,300})", line (\d{1,7}), in (\S{1,200})', re.MULTILINE)
_NODE_FRAME = re.compile(
    r"^\s*at (?:async )?(?:([\w$.<>\[\] ]{1,200}) \()?((?:/|file:|node:)?[^()\s]{1,300}:\d+:\d+)\)?", re.MULTILINE)
_GO_FRAME = re.compile(r"^([\w./*()-]{1,300})\(.{0,200}\)\n\s+(\S{1,300}\.go:\d+)", re.MULTILINE)
_LIBRARIES = ("java.", "javax.", "jdk.", "sun.", "org.springframework.", "org.apache.", "io.netty.", "com.sun.",
              "kotlin.", "reactor.", "com.fasterxml.", "org.hibernate.")


@dataclass(slots=True)
class _Pattern:
    severity: str = ""
    count: int = 0
    baseline: int = 0
    first: int = 0
    last: int = 0
    example: Line | None = None
    minutes: dict[int, int] = field(default_factory=lambda: defaultdict(int))


def windows(lines: Iterable[Line], templates: Mapping[tuple[str, str], str], span: Span,
            most_per_service: int) -> list[pb.Observation]:
    """The patterns of each service that say most: new, gone and bursting ones first, the more severe ones first."""
    found: dict[tuple[str, str], _Pattern] = defaultdict(_Pattern)
    covered: dict[str, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for line in lines:
        pattern = found[line.service, line.pattern]
        if span.start <= line.occurred_at < span.end:
            covered[line.service][1].add((line.occurred_at - span.start) // _MINUTE)
            _see(pattern, line, span)
        elif span.before <= line.occurred_at < span.until:
            covered[line.service][0].add((line.occurred_at - span.start) // _MINUTE)
            pattern.baseline += 1
            pattern.severity = _worse(pattern.severity, line.severity)
    by_service: dict[str, list[pb.LogPatternWindow]] = defaultdict(list)
    for (service, identifier), pattern in found.items():
        if pattern.count or pattern.baseline:
            before, inside = covered[service]
            by_service[service].append(_message(service, identifier, templates.get((service, identifier), ""), pattern,
                                                (len(before), len(inside)), span))
    return [pb.Observation(log_pattern=each) for service in sorted(by_service)
            for each in sorted(by_service[service], key=_weight)[:most_per_service]]


def _see(pattern: _Pattern, line: Line, span: Span) -> None:
    pattern.count += 1
    pattern.first = min(pattern.first or line.occurred_at, line.occurred_at)
    pattern.last = max(pattern.last, line.occurred_at)
    pattern.severity = _worse(pattern.severity, line.severity)
    pattern.minutes[(line.occurred_at - span.start) // _MINUTE] += 1
    if pattern.example is None or line.occurred_at < pattern.example.occurred_at:
        pattern.example = line


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
    if pattern.example is not None:
        found.first_seen_at.FromNanoseconds(pattern.first)
        found.last_seen_at.FromNanoseconds(pattern.last)
        found.example, found.example_trace_id = pattern.example.body[:4000], pattern.example.trace_id.hex()
        found.example_at.FromNanoseconds(pattern.example.occurred_at)
        found.root_frame = root_frame(pattern.example.body)
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
