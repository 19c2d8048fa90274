"""The published rules, and that the reason names the one that gave the severity."""

import pytest

from services.detection.incident import Anomaly, Severity
from services.detection.series import Signal
from services.detection.severity import Rules, severity
from tests.services.detection.test_lifecycle import at


def anomaly(signal: Signal = Signal.ERRORS, *, peak: float = 0.3, baseline: float = 0.001, unit: str = "share",
            service: str = "shop") -> Anomaly:
    return Anomaly(service=service, operation="", signal=signal, metric_name="what was measured", unit=unit,
                   onset_at=at(0), detected_at=at(1), observed=peak, baseline=baseline, spread=0.0, z=9.0,
                   peak_observed=peak, peak_z=9.0, peak_at=at(1), current=peak)


@pytest.mark.parametrize(("anomalies", "facing", "given", "reason"), [
    ([anomaly(peak=0.12)], ["shop"], Severity.P1,
     "12 % of requests to shop failed at the peak; P1 is 10 % or more of a service that users reach"),
    ([anomaly(peak=0.12)], [], Severity.P2, "12 % of requests to shop failed at the peak; P2 is 2 % or more"),
    ([anomaly(peak=0.12), anomaly(service="a"), anomaly(service="b")], [], Severity.P1,
     "30 % of requests to a failed at the peak, and 3 services are affected; P1 is 10 % or more with 3"),
    ([anomaly(peak=0.015)], ["shop"], Severity.P3, "requests are affected, below the limits of P2"),
    ([anomaly(Signal.LATENCY, peak=0.9, baseline=0.2, unit="s")], ["shop"], Severity.P2,
     "what was measured of shop is 4.5 times its baseline; 3 times of a user-facing service is P2"),
    ([anomaly(Signal.LATENCY, peak=0.9, baseline=0.2, unit="s")], [], Severity.P3,
     "requests are affected, below the limits of P2"),
    ([anomaly(Signal.TRAFFIC, peak=2, baseline=8, unit="1/s")], ["shop"], Severity.P2,
     "traffic of shop fell by 75 %; 50 % of a user-facing service is P2"),
    ([anomaly(Signal.SATURATION, peak=0.95, baseline=0.4)], ["shop"], Severity.P4,
     "no request is seen to be affected"),
])
def test_worst_rule_that_holds_gives_severity_and_reason(anomalies: list[Anomaly], facing: list[str], given: Severity,
                                                         reason: str) -> None:
    verdict = severity(anomalies, user_facing=facing)

    assert (verdict.severity, verdict.reason) == (given, reason)


@pytest.mark.parametrize(("word", "given"), [
    ("critical", Severity.P1), ("SEV2", Severity.P2), ("warning", Severity.P3), ("info", Severity.P4),
    ("purple", Severity.P3)])
def test_alert_counts_with_its_own_severity_and_is_named(word: str, given: Severity) -> None:
    verdict = severity([], user_facing=[], alerts=[("DiskFull", word)])

    assert verdict.severity is given
    assert verdict.reason == f"the alert DiskFull fires with severity {word}, which is P{int(given)}"


@pytest.mark.parametrize(("rate", "given"), [(15, Severity.P1), (7, Severity.P2), (1.2, Severity.P3)])
def test_burn_rate_of_an_objective(rate: float, given: Severity) -> None:
    assert severity([], user_facing=[], burn_rate=rate).severity is given


def test_limits_can_be_set() -> None:
    stricter = Rules(p1_error_share=0.03)

    assert severity([anomaly(peak=0.04)], user_facing=["shop"], rules=stricter).severity is Severity.P1
