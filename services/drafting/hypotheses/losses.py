"""How much time and how many requests a service loses, by its own metrics: the question that is left without spans.

A callee loses at least the time and the requests that its callers lose through it, and the loss is a larger share of
what it does.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import exp, log

from services.drafting.hypotheses.departures import Departure
from services.drafting.hypotheses.finding import CERTAIN, RANGE, Finding
from services.drafting.hypotheses.graph import CallGraph, other_end
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.measures import Measure, Side
from services.drafting.hypotheses.spans import elsewhere
from services.drafting.observations import Observations, OperationWindow

# More than this share of a service's time being extra says no more.
MOSTLY = 0.8
# A smaller share of failed requests is nobody's outage.
FEW_FAIL = 0.002
# Spans that did not become slower as the metric says speak against it; fewer of them say nothing.
UNSEEN, ENOUGH_SPANS = 0.5, 20
_SHARE = re.compile(r"(rate|ratio|share|percent)", re.IGNORECASE)
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


@dataclass(frozen=True, slots=True)
class _Loss:
    """What a service loses: seconds or requests in a unit that is the same for all of one metric name."""

    departure: Departure
    amount: float
    # Share of what it does that is lost, 0 to 1.
    share: float


def lost_time(departed: tuple[Departure, ...], known: frozenset[str]) -> Iterable[Finding]:
    rates = _rates(departed)
    losses: dict[str, _Loss] = {}
    for departure in departed:
        meaning = departure.meaning
        # What a caller measures of all that it calls says nothing of the caller.
        if (meaning.measure is not Measure.LATENCY or meaning.side is Side.CLIENT or departure.growth <= 0
                or other_end(departure.series, known) is not None):
            continue
        # Of a quantile we know that so many requests at least became that much slower.
        slower = 1.0 if meaning.quantile is None else 1.0 - meaning.quantile
        amount = (departure.level - departure.baseline) * departure.certainty * slower * rates(departure.series.service)
        share = 1.0 - departure.baseline / departure.level if departure.level > 0 else 0.0
        _keep_larger(losses, departure.series.service, _Loss(departure, amount, min(share, MOSTLY) / MOSTLY))
    return _of_losses(losses, CauseKind.LATENCY, "took longer to answer ({numbers})")


def unseen(findings: Iterable[Finding], departed: tuple[Departure, ...], observations: Observations
            ) -> Iterable[Finding]:
    """`findings`, less so where spans of the same service do not show it, or show the time lost elsewhere."""
    gone = elsewhere(observations)
    departures = {departure.key: departure for departure in departed}
    spans: dict[str, list[OperationWindow]] = defaultdict(list)
    for operation in observations.operations:
        if operation.count >= ENOUGH_SPANS:
            spans[operation.service].append(operation)
    for finding in findings:
        seen = spans.get(finding.service, [])
        if seen and (finding.service in gone or _contradicts(seen, departures[finding.keys[0]])):
            yield replace(finding, weight=finding.weight * UNSEEN,
                          against=(*finding.against, max(seen, key=lambda one: one.count).key))
        else:
            yield finding


def _contradicts(seen: Iterable[OperationWindow], departure: Departure) -> bool:
    level_s = departure.level * UNITS.get(departure.series.unit, 0.0)
    if max(one.p95_s for one in seen) < 0.5 * level_s:
        return True
    growth = [log(max(one.p95_s, 1e-9) / one.baseline_p95_s) for one in seen
              if one.baseline_count >= ENOUGH_SPANS and one.baseline_p95_s > 0]
    return bool(growth) and max(growth) < 0.5 * departure.growth


def failures(departed: tuple[Departure, ...], known: frozenset[str], graph: CallGraph) -> Iterable[Finding]:
    rates, grown = _rates(departed), _grown(departed)
    losses: dict[str, _Loss] = {}
    for departure in departed:
        measure = departure.meaning.measure
        if measure not in (Measure.AVAILABILITY, Measure.ERRORS) or departure.certainty <= 0:
            continue
        service = departure.series.service
        if measure is Measure.AVAILABILITY:
            whole = 100.0 if departure.baseline > 1.5 else 1.0
            share = (departure.baseline - departure.level) / whole
            amount = share * rates(service)
        else:
            # As many more requests fail as there are more.
            usual = 1.0 if _is_share(departure) else exp(grown.get(service, 0.0))
            amount = departure.level - departure.baseline * usual
            share = min(amount / max(rates(service), amount, 1e-9), 1.0)
        if share >= FEW_FAIL:
            _keep_larger(losses, service, _Loss(departure, amount * departure.certainty, share))
    largest = max((loss.share for loss in losses.values()), default=1.0)
    losses = {service: _Loss(loss.departure, loss.amount, (loss.share / largest) ** 0.25)
              for service, loss in losses.items()}
    return _of_losses(losses, CauseKind.UNAVAILABLE, "answered fewer of its requests well ({numbers})", graph)


def _grown(departed: Iterable[Departure]) -> dict[str, float]:
    """By service, how much more it is asked for, as a logarithm."""
    grown: dict[str, float] = {}
    for departure in departed:
        if departure.meaning.measure is Measure.TRAFFIC and departure.certainty > 0 and departure.growth > 0:
            grown[departure.series.service] = max(grown.get(departure.series.service, 0.0), departure.growth)
    return grown


def _is_share(departure: Departure) -> bool:
    series = departure.series
    return series.unit in ("%", "percent", "ratio", "1") or bool(_SHARE.search(series.metric_name))


def _keep_larger(losses: dict[str, _Loss], service: str, loss: _Loss) -> None:
    if service not in losses or loss.amount > losses[service].amount:
        losses[service] = loss


def _of_losses(losses: Mapping[str, _Loss], kind: CauseKind, clause: str, graph: CallGraph | None = None
               ) -> Iterable[Finding]:
    """graph: where given, a service that calls others is half as likely, since a failure may be any of theirs."""
    most = max((loss.amount for loss in losses.values()), default=0.0)
    for service, loss in losses.items():
        if loss.amount <= 0:
            continue
        part = max(1 + log(loss.amount / most) / RANGE, 0.0)
        own = 0.5 if graph is not None and graph.callees.get(service) else 1.0
        yield Finding(service, kind, CERTAIN * own * loss.departure.certainty * part * loss.share,
                      clause.replace("{numbers}", loss.departure.numbers), (loss.departure.key,),
                      figure=loss.departure.figure)


def _rates(departed: tuple[Departure, ...]) -> Callable[[str], float]:
    """Requests to a service in whatever unit its senders count them; the usual number where it has none."""
    rates: dict[str, float] = defaultdict(float)
    for departure in departed:
        if departure.meaning.measure is Measure.TRAFFIC and not departure.series.attributes.get("peer"):
            rates[departure.series.service] = max(rates[departure.series.service],
                                                  departure.baseline, departure.level)
    ordered = sorted(rates.values())
    usual = ordered[len(ordered) // 2] if ordered else 1.0
    return lambda service: rates.get(service, usual)
