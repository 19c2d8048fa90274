"""What was measured, in words: the measure that left its baseline as an engineer would name it, and how far it went."""

import re

from services.drafting.observations import Anomaly
from services.drafting.wording import quantity

_PERCENTILE = re.compile(r"(?P<name>.+?)[ ._](?:p|P)(?P<rank>50|75|90|95|99|999)$")
_ERROR_SHARE = re.compile(r"error share(?: of (?P<rest>.+))?$")
_RATE = re.compile(r"rate of (?P<rest>.+)$")
_CALLS_FROM = re.compile(r"calls from (?P<caller>\S+)(?: of)?$")
_REQUESTS = re.compile(r"(^|[._ ])(http|rpc|grpc)?[._]?(server|served)([._ ]|$)", re.IGNORECASE)
_DATABASE = re.compile(r"(^|[._])(db|sql|mongodb|postgresql|mysql|redis)[._]", re.IGNORECASE)
_DURATION = re.compile(r"(duration|latency|response.?time)", re.IGNORECASE)
_ORDINALS = {"50": "median", "75": "75th percentile", "90": "90th percentile", "95": "95th percentile",
             "99": "99th percentile", "999": "99.9th percentile"}


def measure(anomaly: Anomaly) -> str:
    """`the share of failing requests of checkout-api`: the measure, with where it was taken."""
    where = f"{anomaly.service} {anomaly.operation}".strip()
    return f"{_name(anomaly.metric_name)} of {where}"


def departure(anomaly: Anomaly, verb: str = "leaves its baseline:") -> str:
    """`… leaves its baseline: 2.2 %, against 0.1 % before`: the measure at its detection beside its baseline."""
    return f"{measure(anomaly)} {verb} {value(anomaly, anomaly.observed)}, against {normal(anomaly)} before"


def extreme(anomaly: Anomaly) -> str:
    """The worst value where one is known, else the one at its detection."""
    return value(anomaly, anomaly.peak_observed if anomaly.peak_at else anomaly.observed)


def normal(anomaly: Anomaly) -> str:
    """The level of its baseline."""
    return value(anomaly, anomaly.baseline)


def value(anomaly: Anomaly, measured: float) -> str:
    """A value of it with its unit, where the name does not say already what is counted."""
    unit = anomaly.unit.removesuffix("/s")
    noun = unit.strip("{}")
    is_said = noun != unit and noun.rstrip("s") in anomaly.metric_name
    return quantity(measured, anomaly.unit.removeprefix(unit) if is_said else anomaly.unit)


def is_failing(anomaly: Anomaly) -> bool:
    """Whether it is a share of requests that fail."""
    return anomaly.unit == "share" and bool(_ERROR_SHARE.match(anomaly.metric_name))


def sentence(text: str) -> str:
    """`text` as a sentence: names keep the letters that they have, «the» gets its capital."""
    said = text[0].upper() + text[1:] if text.startswith(("the ", "an ", "a ")) else text
    return said if said.endswith((".", "”")) else f"{said}."


def _name(metric: str) -> str:
    found = _ERROR_SHARE.match(metric)
    if found:
        return f"the share of failing {_failing(found['rest'] or '')}"
    found = _RATE.match(metric)
    if found:
        return f"the rate of {_what(found['rest'])}"
    found = _PERCENTILE.match(metric)
    if found and _DURATION.search(found["name"]):
        kind = "response time" if _REQUESTS.search(found["name"]) else "duration"
        return f"the {_ORDINALS[found['rank']]} of {kind} ({metric})"
    return f"the number of {metric}" if metric.endswith(" lines") else metric


def _failing(rest: str) -> str:
    called = _CALLS_FROM.match(rest)
    if called:
        return f"calls from {called['caller']}"
    return "requests" if not rest or _REQUESTS.search(rest) else f"operations ({rest})"


def _what(metric: str) -> str:
    if _DATABASE.search(metric):
        return f"database calls ({metric})"
    return "requests" if _REQUESTS.search(metric) and _DURATION.search(metric) else metric
