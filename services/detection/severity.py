"""How bad an incident is: published rules over its anomalies, worst first, the first that holds gives the severity.

The rules look at the share of requests that fail, at how much slower answers are, at how many services are affected
and at how fast an objective's error budget burns. docs/incidents.md states them in words; `Rules` are the numbers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.detection import wording
from services.detection.incident import Anomaly, Severity
from services.detection.series import Signal


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of the rules. Shares are of requests; factors are of the baseline; burn rates of the error budget.

    14.4 and 6 are the SRE workbook's paging burn rates: 2 % of a month's budget in an hour, 5 % in six.
    """

    p1_error_share: float = 0.10
    p2_error_share: float = 0.02
    p1_burn_rate: float = 14.4
    p2_burn_rate: float = 6.0
    p1_services: int = 3
    p2_latency_factor: float = 3.0
    p2_traffic_share: float = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """A severity and the rule that gave it, in words."""

    severity: Severity
    reason: str


_ALERT_WORDS = {
    "p1": Severity.P1, "sev1": Severity.P1, "critical": Severity.P1, "page": Severity.P1, "emergency": Severity.P1,
    "fatal": Severity.P1, "p2": Severity.P2, "sev2": Severity.P2, "error": Severity.P2, "high": Severity.P2,
    "major": Severity.P2, "p3": Severity.P3, "sev3": Severity.P3, "warning": Severity.P3, "warn": Severity.P3,
    "minor": Severity.P3, "p4": Severity.P4, "info": Severity.P4, "low": Severity.P4,
}


def severity(anomalies: Sequence[Anomaly], *, user_facing: Iterable[str], alerts: Iterable[tuple[str, str]] = (),
             burn_rate: float = 0.0, rules: Rules | None = None) -> Verdict:
    """The severity of an incident with these anomalies.

    user_facing: services that users reach directly, or through which they are served: see `grouping.user_facing`.
    alerts: name and severity of each that fires. burn_rate: the highest of the objectives whose windows fire.
    """
    limits = rules or Rules()
    facing = frozenset(user_facing)
    golden = [each for each in anomalies if each.signal is not Signal.EVIDENCE]
    errors = [each for each in golden if each.signal is Signal.ERRORS and each.unit == "share"]
    worst = max(errors, key=lambda each: each.peak_observed, default=None)
    affected = {each.service for each in golden}
    verdicts = [_alert(name, word) for name, word in alerts]
    if worst is not None:
        verdicts += _failing(worst, facing, len(affected), limits)
    verdicts += _burning(burn_rate, limits)
    verdicts += _slow_or_gone(golden, facing, limits)
    if any(each.signal in (Signal.ERRORS, Signal.LATENCY, Signal.TRAFFIC) for each in golden):
        verdicts.append(Verdict(Severity.P3, "requests are affected, below the limits of P2"))
    verdicts.append(Verdict(Severity.P4, "no request is seen to be affected"))
    return min(verdicts, key=lambda each: each.severity)


def _failing(worst: Anomaly, facing: frozenset[str], affected: int, limits: Rules) -> list[Verdict]:
    """worst: of the shares of failed requests the one with the highest peak."""
    share = worst.peak_observed
    says = f"{_percent(share)} of requests to {worst.service} failed at the peak"
    found = []
    if share >= limits.p1_error_share and worst.service in facing:
        found.append(Verdict(Severity.P1, f"{says}; P1 is {_percent(limits.p1_error_share)} or more of a service "
                                          "that users reach"))
    elif share >= limits.p1_error_share and affected >= limits.p1_services:
        found.append(Verdict(Severity.P1, f"{says}, and {affected} services are affected; P1 is "
                                          f"{_percent(limits.p1_error_share)} or more with {limits.p1_services}"))
    if share >= limits.p2_error_share:
        found.append(Verdict(Severity.P2, f"{says}; P2 is {_percent(limits.p2_error_share)} or more"))
    return found


def _burning(rate: float, limits: Rules) -> list[Verdict]:
    says = f"an error budget burns {rate:.1f} times as fast as it may"
    if rate >= limits.p1_burn_rate:
        return [Verdict(Severity.P1, f"{says}; P1 is {limits.p1_burn_rate:g} or more")]
    if rate >= limits.p2_burn_rate:
        return [Verdict(Severity.P2, f"{says}; P2 is {limits.p2_burn_rate:g} or more")]
    return [Verdict(Severity.P3, f"{says}; P2 is {limits.p2_burn_rate:g} or more")] if rate > 0 else []


def _slow_or_gone(golden: Sequence[Anomaly], facing: frozenset[str], limits: Rules) -> list[Verdict]:
    found = []
    for each in golden:
        if each.signal is Signal.LATENCY and each.service in facing and each.baseline > 0 and \
                each.peak_observed >= limits.p2_latency_factor * each.baseline:
            found.append(Verdict(Severity.P2, f"{each.metric_name} of {each.service} is "
                                 f"{each.peak_observed / each.baseline:.1f} times its baseline; "
                                 f"{limits.p2_latency_factor:g} times of a user-facing service is P2"))
        if each.signal is Signal.TRAFFIC and each.unit != "share" and each.service in facing and \
                each.peak_observed <= (1.0 - limits.p2_traffic_share) * each.baseline:
            found.append(Verdict(Severity.P2, f"traffic of {each.service} fell by "
                                 f"{_percent(1.0 - each.peak_observed / max(each.baseline, 1e-12))}; "
                                 f"{_percent(limits.p2_traffic_share)} of a user-facing service is P2"))
    return found[:1]


def _alert(name: str, word: str) -> Verdict:
    found = _ALERT_WORDS.get(word.strip().lower(), Severity.P3)
    says = f"the alert {name} fires with severity {word}" if word else f"the alert {name} fires without a severity"
    return Verdict(found, f"{says}, which is P{int(found)}")


def _percent(share: float) -> str:
    return wording.value(share, "share")
