"""What is broken: what users feel first, then what else left its normal, one line for what is one thing."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from services.drafting.case import Case
from services.drafting.drafts.courses import course
from services.drafting.drafts.log_story import story
from services.drafting.observations import Anomaly, Signal
from services.drafting.showing import INCIDENT
from services.drafting.statements import Statement, quoted
from services.drafting.wording import between, clock, listed, number, quantity

MOST_LINES, MOST_PATTERNS, MOST_OTHERS = 4, 2, 6
# What tells the quantiles of one measure apart.
_QUANTILE = re.compile(r"[\s._-]?p\d{2,3}$")
# What users feel comes before what explains it.
_ORDER = {Signal.ERRORS: 0, Signal.LATENCY: 1, Signal.ALERT: 1, Signal.TRAFFIC: 2, Signal.SATURATION: 3}


def situation(case: Case) -> tuple[Statement, ...]:
    """The symptom, what else is out of its normal, who else is affected, and the first log patterns that moved."""
    facts = case.facts
    groups = sorted(_alike(facts.anomalies), key=_weight)
    said = [_opening(case)]
    said += [_line(case, group) for group in groups[:MOST_LINES]]
    others = [service for service in facts.services if service != facts.service]
    if others:
        named = listed(others) if len(others) <= MOST_OTHERS else f"{', '.join(others[:MOST_OTHERS])} and others"
        said.append(case.say(f"Also affected: {named}.", INCIDENT))
    return (*said, *story(case, most=MOST_PATTERNS))


def _opening(case: Case) -> Statement:
    facts = case.facts
    declared = next((one for one in facts.anomalies if one.signal is Signal.DECLARED), None)
    if declared is not None and len(facts.anomalies) == 1:
        return case.say(f"A responder declared it for {facts.service} at {clock(facts.detected_at)} UTC; "
                        "no signal had left its baseline.", INCIDENT)
    if facts.recovered_at is None:
        return case.say(f"{facts.service} is out of its normal since {clock(facts.onset_at)} UTC.", INCIDENT)
    lasted = between(facts.onset_at, facts.recovered_at)
    return case.say(
        f"{facts.service} was out of its normal from {clock(facts.onset_at)} to {clock(facts.recovered_at)} UTC, "
        f"{lasted}.", INCIDENT)


def _alike(anomalies: Iterable[Anomaly]) -> list[list[Anomaly]]:
    """Anomalies of one measure of one service together: of its instances, operations and codes; the worst first."""
    groups: dict[tuple[str, str], list[Anomaly]] = defaultdict(list)
    for one in anomalies:
        if one.signal is not Signal.DECLARED:
            groups[one.service, _QUANTILE.sub("", one.metric_name)].append(one)
    # The whole service says more than one of its operations, what opened the incident more than what joined it.
    return [sorted(group, key=lambda one: (bool(one.operation), not one.is_opening, -abs(one.peak_z or one.z)))
            for group in groups.values()]


def _weight(group: Sequence[Anomaly]) -> tuple[bool, int, float]:
    lead = group[0]
    return not any(one.is_opening for one in group), _ORDER.get(lead.signal, 3), -abs(lead.peak_z or lead.z)


def _line(case: Case, group: Sequence[Anomaly]) -> Statement:
    found = course(group[0], group)
    lead = found.whole
    where = f"{lead.service} {lead.operation}".strip()
    now, before = quantity(lead.observed, lead.unit), quantity(lead.baseline, lead.unit)
    if lead.signal is Signal.ERRORS and lead.unit == "share":
        text = f"{now} of requests to {where} failed at {clock(lead.detected_at)}, {before} before"
    elif lead.signal is Signal.ALERT:
        text = f"The alert {lead.metric_name} fired for {where} at {clock(lead.onset_at)}"
    else:
        text = f"{lead.metric_name} of {where} was {now} at {clock(lead.detected_at)}, {before} before"
    if lead.z:
        text += f" (z {number(lead.z)})"
    if lead.peak_at is not None and quantity(lead.peak_observed, lead.unit) != now:
        text += f", {quantity(lead.peak_observed, lead.unit)} at the worst at {clock(lead.peak_at)}"
    if lead.recovered_at is not None:
        text += f", back since {clock(lead.recovered_at)}"
    elif lead.current and case.facts.recovered_at is None:
        text += f", {quantity(lead.current, lead.unit)} now"
    # An operation that moved the other way is another story.
    operations = list(dict.fromkeys(
        one.operation for one in group[1:] if one.operation != lead.operation and one.z * lead.z >= 0))
    if operations:
        text += f"; so in {listed([quoted(name, 60) for name in operations], 3)}"
    elif len({tuple(sorted(one.attributes.items())) for one in group}) > 1:
        text += "; several of its series alike"
    return case.say(text + ".", *found.keys, *(one.key for one in group[:4]))
