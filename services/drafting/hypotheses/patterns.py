"""Log patterns that come with the incident: new errors, bursts, exceptions with the frame they come from."""

from collections.abc import Iterable
from math import log

from services.drafting.hypotheses.finding import CERTAIN, Finding
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.observations import LogPatternWindow, Observations, PatternChange
from services.drafting.statements import quoted
from services.drafting.wording import counted

# Errors that a service complains of may lie in another, so lines count less than what was measured.
COMPLAINT = 0.5
_SEVERE = frozenset({"ERROR", "FATAL", "CRITICAL", "ALERT", "EMERGENCY", "SEVERE", "PANIC"})
_EXCEPTION = ("exception", "traceback", "panic", "stack trace", "unhandled", "segfault", "nullpointer")
# So many lines leave no doubt that it was no accident.
MANY = 20


def patterns(observations: Observations) -> tuple[Finding, ...]:
    """The strongest error pattern of each service; a caller may only pass on what its callee complains of."""
    strongest: dict[str, Finding] = {}
    for finding in _errors(observations.log_patterns):
        if finding.weight > strongest.get(finding.service, finding).weight or finding.service not in strongest:
            strongest[finding.service] = finding
    return tuple(strongest.values())


def _errors(log_patterns: Iterable[LogPatternWindow]) -> Iterable[Finding]:
    for pattern in log_patterns:
        if pattern.change not in (PatternChange.NEW, PatternChange.BURST) or not pattern.count:
            continue
        is_thrown = bool(pattern.root_frame) or is_exception(f"{pattern.template} {pattern.example}")
        if pattern.severity.upper() not in _SEVERE and not is_thrown:
            continue
        size = min(log(1 + pattern.count) / log(1 + MANY), 1.0)
        frame = f" at {pattern.root_frame}" if pattern.root_frame else ""
        how_often = f"{quoted(pattern.example or pattern.template, 120)}, {counted(pattern.count, 'time')}"
        clause = (f"threw an exception{frame} that it had not thrown so before ({how_often})" if is_thrown
                  else f"logged an error that it had not logged so before ({how_often})")
        yield Finding(pattern.service, CauseKind.CODE_EXCEPTION if is_thrown else CauseKind.UNAVAILABLE,
                      CERTAIN * COMPLAINT * size, clause, (pattern.key,))


def is_exception(text: str) -> bool:
    """Whether a line tells of an exception, rather than of an error that was expected to come one day."""
    lowered = text.lower()
    return any(word in lowered for word in _EXCEPTION)
