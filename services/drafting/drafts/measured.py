"""What was measured, in words: the measure that left its baseline as an engineer would name it, and how far it went."""

import re

from services.drafting.observations import Anomaly, Signal
from services.drafting.statements import quoted
from services.drafting.wording import quantity

_PERCENTILE = re.compile(r"(?P<name>.+?)[ ._](?:p|P)(?P<rank>50|75|90|95|99|999)$")
_ERROR_SHARE = re.compile(r"error share(?: of (?P<rest>.+))?$")
_RATE = re.compile(r"rate of (?P<rest>.+)$")
_CALLS_FROM = re.compile(r"calls from (?P<caller>\S+)(?: of)?$")
_REQUESTS = re.compile(r"(^|[._ ])(http|rpc|grpc)?[._]?(server|served)([._ ]|$)", re.IGNORECASE)
_DATABASE = re.compile(r"(^|[._])(db|sql|mongodb|postgresql|mysql|redis)[._]", re.IGNORECASE)
_SUCCESS = re.compile(r"(success|availab)", re.IGNORECASE)
_CALLS = re.compile(r"(^|[._ ])client([._ ]|$)", re.IGNORECASE)
# Measures that are called alike by many exporters, as one says them.
_COMMON = (
    (re.compile(r"(^|[._])cpu[._]?(utili[sz]ation|usage|used|percent|load)\b", re.IGNORECASE), "CPU use"),
    (re.compile(r"(^|[._])(memory|mem|heap)[._]?(utili[sz]ation|usage|used|working_set|rss|percent)", re.IGNORECASE),
     "memory use"),
    (re.compile(r"connection[._]timeouts$", re.IGNORECASE), "number of connection timeouts"),
    (re.compile(r"connections?[._](count|used|usage|active)$", re.IGNORECASE), "number of connections"),
)
_DURATION = re.compile(r"(duration|latency|response.?time)", re.IGNORECASE)
_ORDINALS = {"50": "median", "75": "75th percentile", "90": "90th percentile", "95": "95th percentile",
             "99": "99th percentile", "999": "99.9th percentile"}


def measure(anomaly: Anomaly) -> str:
    """`the share of failing requests of checkout-api`: the measure, with where it was taken."""
    where = f"{anomaly.service} {anomaly.operation}".strip()
    if anomaly.signal is Signal.ALERT:
        return f"the alert {quoted(anomaly.metric_name, 80)} of {where}"
    if _is_shortfall(anomaly):
        return f"the share of failing requests of {where} ({anomaly.metric_name})"
    return metric_of(anomaly.metric_name, where)


def metric_of(metric: str, where: str) -> str:
    """`the median response time of orders (server.latency.p50)`: a metric in words, and its name where they differ."""
    words, shown = _words(metric)
    return f"the {words} of {where} ({shown})" if shown else f"{words} of {where}"


def its_measure(anomaly: Anomaly) -> str:
    """`its median response time (server.latency.p50)`, after the service was named."""
    words, shown = _words(anomaly.metric_name)
    where = f" of {anomaly.operation}" if anomaly.operation else ""
    return f"its {words.removeprefix('the ')}{where}{f' ({shown})' if shown else ''}"


def in_short(metric: str) -> str:
    """`median response time`: a metric in words alone."""
    return _words(metric)[0].removeprefix("the ")


def departure(anomaly: Anomaly, verb: str = "leaves its baseline:") -> str:
    """`… leaves its baseline: 2.2 %, against 0.1 % before`: the measure at its detection beside its baseline."""
    if anomaly.signal is Signal.ALERT:
        return f"{measure(anomaly)} fires"
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
    return anomaly.unit == "share" and (bool(_ERROR_SHARE.match(anomaly.metric_name)) or _is_shortfall(anomaly))


def _is_shortfall(anomaly: Anomaly) -> bool:
    """Whether detection turned a share of successes round: what it measured is the share of those that fail."""
    return anomaly.signal is Signal.ERRORS and bool(_SUCCESS.search(anomaly.metric_name))


def sentence(text: str) -> str:
    """`text` as a sentence: names keep the letters that they have, «the» gets its capital."""
    said = text[0].upper() + text[1:] if text.startswith(("the ", "an ", "a ")) else text
    return said if said.endswith((".", "”")) else f"{said}."


def _words(metric: str) -> tuple[str, str]:
    """A metric in words without article, and its name where the words hide it; of unknown ones the name is the word."""
    found = _ERROR_SHARE.match(metric)
    if found:
        return f"the share of failing {_failing(found['rest'] or '')}", ""
    found = _RATE.match(metric)
    if found:
        return _rate(found["rest"])
    found = _PERCENTILE.match(metric)
    if found and _DURATION.search(found["name"]):
        return f"{_ORDINALS[found['rank']]} {_time(found['name'])}", metric
    if metric.endswith(" lines"):
        return f"the number of {metric}", ""
    return next(((words, metric) for pattern, words in _COMMON if pattern.search(metric)), (metric, ""))


def _time(metric: str) -> str:
    """Of what a duration is one: of answering, of waiting for others, of something else."""
    if _CALLS.search(metric):
        return "call duration"
    return "response time" if _REQUESTS.search(metric) else "duration"


def _failing(rest: str) -> str:
    called = _CALLS_FROM.match(rest)
    if called:
        return f"calls from {called['caller']}"
    return "requests" if not rest or _REQUESTS.search(rest) else f"operations ({rest})"


def _rate(metric: str) -> tuple[str, str]:
    if _DATABASE.search(metric):
        return "rate of database calls", metric
    if _REQUESTS.search(metric) and _DURATION.search(metric):
        return "the rate of requests", ""
    return f"the rate of {metric}", ""
