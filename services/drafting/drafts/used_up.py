"""What gave out: a measure of saturation that left its baseline, and the log line that tells its limit in numbers."""

import re

from services.drafting.case import Case
from services.drafting.drafts.courses import Course, course
from services.drafting.observations import LogPatternWindow, Signal

_LIMIT = re.compile(
    r"\b(pool|connections?|limit|quota|memory|heap|disk|space|queue\w*|threads?|descriptors?|capacity|full|exhaust\w*|"
    r"waiting|timed out|timeout|oom\w*|throttl\w*|rate)\b",
    re.IGNORECASE,
)
# Names of measures of something that can run out, whatever signal detection took them for.
_RESOURCE = re.compile(
    r"(pool|connections?[._](count|timeouts?|pending|usage|wait)|thread|queue|memory|heap|disk|cpu|descriptor|quota|"
    r"throttl|saturation)",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*[a-f])")


def saturated(case: Case) -> Course | None:
    """The measure of saturation of the likeliest service that went furthest up while it lasted."""
    facts = case.facts
    service = case.cause.service if case.cause else facts.service
    end = facts.recovered_at or facts.resolved_at
    found = [
        one for one in facts.anomalies
        if one.service == service and one.observed > one.baseline
        and (one.signal is Signal.SATURATION or _RESOURCE.search(one.metric_name))
        and (end is None or one.onset_at < end)
    ]
    furthest = max(found, key=lambda one: abs(one.z), default=None)
    return None if furthest is None else course(furthest, found)


def limit_line(case: Case) -> LogPatternWindow | None:
    """The new line of the likeliest service that speaks of a limit with the most numbers in it."""
    service = case.cause.service if case.cause else case.facts.service
    told = [
        one for one in case.moved_patterns()
        if one.service == service and one.example and _LIMIT.search(one.example)
    ]
    return max(told, key=lambda one: (len(_NUMBERS.findall(one.example)), one.count), default=None)
