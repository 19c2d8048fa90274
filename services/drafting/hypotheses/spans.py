"""Where spans say that time is lost and requests fail: in a service itself, or on the way to it.

What a span lasts beyond its children is its own (self time), and what a caller's span lasts beyond the callee's lies
between the two (gap).
"""

from collections import defaultdict
from collections.abc import Iterable
from math import log

from services.drafting.hypotheses.finding import CERTAIN, RANGE, TREBLED, Finding
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.measures import Side
from services.drafting.observations import CallWindow, Observations, OperationWindow
from services.drafting.statements import quoted

# Fewer spans than these have no median worth the name.
FEWEST_SPANS = 3
# So many spans are believed by half: the median of a handful moves by itself.
DOUBT = 10
# Less than this share of the time of all calls is not looked for.
NOTICED = 0.05


def self_time(observations: Observations) -> Iterable[Finding]:
    """Services whose operations last longer by themselves: extra seconds, and their share of all extra seconds."""
    between: dict[str, float] = defaultdict(float)
    for call in observations.calls:
        between[call.caller] += max(_extra_gap(call, 0.0) * call.count, 0.0)
    extra, base = defaultdict[str, float](float), defaultdict[str, float](float)
    worst: dict[str, tuple[float, OperationWindow]] = {}
    for operation in observations.operations:
        own, before = operation.self_p50_s, operation.baseline_self_p50_s
        if own is None or before is None or min(operation.count, operation.baseline_count) < FEWEST_SPANS:
            continue
        seconds = (own - before) * operation.count
        extra[operation.service] += seconds
        base[operation.service] += before * operation.count
        if seconds > worst.get(operation.service, (0.0, operation))[0]:
            worst[operation.service] = (seconds, operation)
    own_extra = {service: max(seconds - between[service], 0.0) for service, seconds in extra.items()}
    total = sum(own_extra.values()) + sum(between.values())
    for service, seconds in own_extra.items():
        if service not in worst or total <= 0:
            continue
        growth = min(log(1 + seconds / max(base[service], 1e-9)) / TREBLED, 1.0)
        operation = worst[service][1]
        fewest = min(operation.count, operation.baseline_count)
        yield Finding(service, CauseKind.LATENCY, CERTAIN * growth * seconds / total * fewest / (fewest + DOUBT),
                      f"took longer by itself in {quoted(operation.operation, 80)}, not in what it calls",
                      (operation.key,), is_located=True)


def gaps(observations: Observations) -> Iterable[Finding]:
    """Services between which and their callers time is lost, neither side working: the network, or a queue."""
    known = [call for call in observations.calls if call.gap_p50_s is not None and call.count >= FEWEST_SPANS]
    usual = sorted(call.baseline_gap_p50_s for call in known
                   if call.baseline_gap_p50_s is not None and call.baseline_count >= FEWEST_SPANS)
    default = usual[len(usual) // 2] if usual else 0.0
    extra = {call.key: max(_extra_gap(call, default) * call.count, 0.0) for call in known}
    total = sum(extra.values())
    if total <= 0:
        return
    noticed = min(total / max(sum(call.p50_s * call.count for call in known), 1e-9) / NOTICED, 1.0)
    ends = {(call.service, Side.SERVER) for call in known} | {(call.caller, Side.CLIENT) for call in known}
    for service, side in sorted(ends, key=lambda end: (end[0], end[1].name)):
        edges = [call for call in known if (call.service if side is Side.SERVER else call.caller) == service]
        covered = sum(extra[call.key] for call in edges) / total
        calls = sum(call.count for call in edges)
        slow = [call for call in edges if extra[call.key] > 0.5 * call.count * (call.baseline_gap_p50_s or default)]
        consistent = sum(call.count for call in slow) / calls
        if not slow:
            continue
        most = max(slow, key=lambda call: extra[call.key])
        base = sum(call.p50_s * call.count for call in slow)
        size = min(log(1 + sum(extra[call.key] for call in slow) / max(base, 1e-9)) / TREBLED, 1.0)
        yield Finding(service, CauseKind.NETWORK_DELAY, CERTAIN * noticed * size * covered * consistent,
                      _between(service, most),
                      tuple(dict.fromkeys(call.key for call in (most, *slow[:5]))), is_located=True)


def _between(service: str, call: CallWindow) -> str:
    other, way = (call.caller, "from") if call.service == service else (call.service, "to")
    return f"lost time on the way {way} {other}, while neither of the two worked"


def _extra_gap(call: CallWindow, default: float) -> float:
    if call.gap_p50_s is None or call.count < FEWEST_SPANS:
        return 0.0
    before = call.baseline_gap_p50_s if call.baseline_count >= FEWEST_SPANS else default
    return call.gap_p50_s - (before if before is not None else default)


def failed_operations(observations: Observations) -> Iterable[Finding]:
    """Services whose spans end in errors more often than before, less what the services that they call return."""
    caused: dict[str, float] = defaultdict(float)
    for call in observations.calls:
        caused[call.caller] += _extra_errors(call)
    failed: dict[str, float] = defaultdict(float)
    worst: dict[str, tuple[float, OperationWindow]] = {}
    for operation in observations.operations:
        errors = _extra_errors(operation)
        failed[operation.service] = max(failed[operation.service], errors)
        if errors > worst.get(operation.service, (0.0, operation))[0]:
            worst[operation.service] = (errors, operation)
    most = max(failed.values(), default=0.0)
    for service, (errors, operation) in worst.items():
        own = max(errors - caused[service], 0.1 * errors)
        size = min(errors / 10.0, 1.0)
        yield Finding(service, CauseKind.UNAVAILABLE, CERTAIN * size * max(1 + log(own / most) / RANGE, 0.0),
                      f"failed in {quoted(operation.operation, 80)}", (operation.key,))


def _extra_errors(window: OperationWindow | CallWindow) -> float:
    """Errors beyond what the share of errors before would give."""
    usual = window.baseline_errors / window.baseline_count if window.baseline_count else 0.0
    return max(window.errors - usual * window.count, 0.0)


def elsewhere(observations: Observations) -> frozenset[str]:
    """Services that, of all the time that spans lost, themselves or on the way to them, lost next to nothing."""
    lost: dict[str, float] = defaultdict(float)
    for call in observations.calls:
        lost[call.service] += max(_extra_gap(call, 0.0) * call.count, 0.0)
    for operation in observations.operations:
        own, before = operation.self_p50_s, operation.baseline_self_p50_s
        if own is not None and before is not None and min(operation.count, operation.baseline_count) >= FEWEST_SPANS:
            lost[operation.service] += max(own - before, 0.0) * operation.count
    total = sum(lost.values())
    return frozenset(service for service, seconds in lost.items() if seconds < NOTICED * total)
